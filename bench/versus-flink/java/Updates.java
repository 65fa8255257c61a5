package fx;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;

/**
 * The twin of Millrace's bench job updates.ts: every key gets a value, then values are read, changed and written. The same keys in
 * the same order, the same bytes. Arguments: keys, bytes, distribution=uniform|zipf, warm and seconds of the measured part.
 */
public final class Updates {
    private static final double THETA = 0.99;

    private Updates() {}

    public static void main(String[] argv) throws Exception {
        Main.Args a = new Main.Args(argv);
        int keys = (int) a.num("keys", 1_000_000);
        Configuration conf = a.conf();
        StreamExecutionEnvironment env = a.env(conf);
        Gen.Maker<Integer> maker = a.get("distribution").equals("zipf") ? new Zipf(keys) : new Uniform(keys);
        env.fromSource(new Gen<>(maker, Types.INT, Long.MAX_VALUE, 0), WatermarkStrategy.noWatermarks(), "gen")
                .keyBy(key -> key)
                .process(new Update((int) a.num("bytes", 100)))
                .uid("update")
                .sinkTo(new DiscardingSink<>());
        JobClient job = env.executeAsync("updates");
        while (Probe.emitted() == 0) Thread.sleep(1);
        long start = System.nanoTime();
        while (Probe.emitted() < keys) Thread.sleep(10);
        double fillSecs = (System.nanoTime() - start) / 1e9;
        Thread.sleep(a.num("warm", 10) * 1000);
        long from = System.nanoTime();
        long records = Probe.emitted();
        double cpu = Probe.cpuSeconds();
        Thread.sleep(a.num("seconds", 30) * 1000);
        double secs = (System.nanoTime() - from) / 1e9;
        long updates = Probe.emitted() - records;
        double cpuSecs = Probe.cpuSeconds() - cpu;
        System.out.printf(
                "{\"updates\":\"%s\",\"fillSecs\":%.2f,\"fillPerSecond\":%.0f,\"secs\":%.2f,\"count\":%d,\"perSecond\":%.0f,"
                        + "\"cores\":%.2f,\"cpuNanosPerUpdate\":%.0f,\"rssMB\":%d,\"peakRssMB\":%d}%n",
                a.get("distribution"), fillSecs, keys / fillSecs, secs, updates, updates / secs, cpuSecs / secs,
                cpuSecs * 1e9 / updates, Probe.rss("VmRSS"), Probe.rss("VmHWM"));
        System.out.flush();
        job.cancel().get();
        System.exit(0);
    }

    static int hashedNumber(long n) {
        return NexGen.mix((int) n * 0x9E3779B9 + (int) (n >>> 32));
    }

    private static final class Uniform implements Gen.Maker<Integer> {
        private final int keys;

        Uniform(int keys) {
            this.keys = keys;
        }

        @Override
        public Integer make(long n, long due) {
            return NexGen.mix(n < keys ? (int) n : Streams.key(n, keys));
        }
    }

    private static final class Zipf implements Gen.Maker<Integer> {
        private final int keys;
        private final double zeta;
        private final double alpha;
        private final double second;
        private final double eta;

        Zipf(int keys) {
            double sum = 0;
            for (int i = 1; i <= keys; i++) sum += 1 / Math.pow(i, THETA);
            this.keys = keys;
            zeta = sum;
            alpha = 1 / (1 - THETA);
            second = 1 + Math.pow(0.5, THETA);
            eta = (1 - Math.pow(2.0 / keys, 1 - THETA)) / (1 - second / zeta);
        }

        @Override
        public Integer make(long n, long due) {
            return NexGen.mix(n < keys ? (int) n : rank(n));
        }

        private int rank(long n) {
            double unit = (hashedNumber(n) & 0xFFFFFFFFL) / 4294967296.0;
            double scaled = unit * zeta;
            if (scaled < 1) return 0;
            if (scaled < second) return 1;
            return (int) Math.min(keys - 1, Math.floor(keys * Math.pow(eta * unit - eta + 1, alpha)));
        }
    }

    private static final class Update extends KeyedProcessFunction<Integer, Integer, Tuple2<Integer, Integer>> {
        private final int bytes;
        private transient ValueState<byte[]> value;

        Update(int bytes) {
            this.bytes = bytes;
        }

        @Override
        public void open(OpenContext context) {
            value = getRuntimeContext()
                    .getState(new ValueStateDescriptor<>("value", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        }

        @Override
        public void processElement(Integer key, Context context, Collector<Tuple2<Integer, Integer>> out) throws Exception {
            byte[] v = value.value();
            int count = 1;
            if (v == null) {
                v = new byte[bytes];
                fill(v, key);
            } else {
                count = (v[0] & 255 | (v[1] & 255) << 8 | (v[2] & 255) << 16 | (v[3] & 255) << 24) + 1;
            }
            v[0] = (byte) count;
            v[1] = (byte) (count >>> 8);
            v[2] = (byte) (count >>> 16);
            v[3] = (byte) (count >>> 24);
            value.update(v);
            out.collect(Tuple2.of(key, count));
        }
    }

    static void fill(byte[] v, int seed) {
        int word = NexGen.mix(seed);
        if (word == 0) word = 1;
        for (int i = 0; i < v.length; i++) {
            if ((i & 3) == 0) {
                word ^= word << 13;
                word ^= word >>> 17;
                word ^= word << 5;
            }
            v[i] = (byte) (word >>> (8 * (i & 3)));
        }
    }
}
