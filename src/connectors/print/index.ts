/** `millrace/connectors/print`: a sink that prints records. */
export { printSink, type TextOutput } from './print-sink.ts';
