/** The output of a source. */
import { SingleOutputStreamOperator } from './single-output-stream-operator.ts';

/**
 * A stream that comes from outside. Its side output `DEAD_LETTERS` has the input that could not
 * become records.
 */
export class DataStreamSource<T> extends SingleOutputStreamOperator<T> {}
