/** `millrace/connectors/blackhole`: a sink that drops records. */
export { blackholeSink } from './blackhole-sink.ts';
