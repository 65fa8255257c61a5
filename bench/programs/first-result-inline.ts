/** A whole program: prints the first result of an inline job. */
import { StreamExecutionEnvironment } from '../../src/index.ts';

await using env = StreamExecutionEnvironment.getExecutionEnvironment();
const words = env.fromData('to', 'be', 'or', 'not', 'to', 'be').map((word) => ({ word, count: 1 }));
for await (const result of words.keyBy('word').sum('count').executeAndCollect()) {
  console.log(JSON.stringify(result));
  break;
}
