/** Buckets: the folder below a sink's path that a record goes to. */
import { MillraceError } from '../../base/errors.ts';

/** The longest name of a folder that common file systems take. */
const SEGMENT_BYTES_MAX = 255;
const DEPTH_MAX = 16;

/**
 * Checks a bucket and returns it: names separated by `/`, such as `dt=2001-01-17/origin=LAS`.
 * Refused is what leaves the sink's folder (`..`, a leading `/`), what readers would skip (a
 * leading `.` or `_`), and what a file system cannot name.
 */
export function checkBucket(bucket: unknown): string {
  if (bucket === '') return '';
  if (typeof bucket !== 'string') throw refused(bucket, 'it is not a string');
  const segments = bucket.split('/');
  if (segments.length > DEPTH_MAX) throw refused(bucket, `it has more than ${DEPTH_MAX} levels`);
  for (const segment of segments) {
    if (segment === '') throw refused(bucket, 'it has an empty name');
    if (segment.startsWith('.') || segment.startsWith('_')) {
      throw refused(bucket, `its name '${segment}' begins with . or _, which readers skip`);
    }
    if (/[\u0000-\u001f\u007f\\:*?"<>|]/.test(segment) || !segment.isWellFormed()) {
      throw refused(bucket, 'it has a character that file names cannot carry everywhere');
    }
    if (Buffer.byteLength(segment) > SEGMENT_BYTES_MAX) {
      throw refused(bucket, `a name has more than ${SEGMENT_BYTES_MAX} bytes`);
    }
  }
  return bucket;
}

function refused(bucket: unknown, reason: string): MillraceError {
  const shown = typeof bucket === 'string' ? JSON.stringify(bucket.slice(0, 200)) : String(bucket);
  return new MillraceError(
    'ILLEGAL_ARGUMENT',
    `the bucket ${shown} cannot be a folder: ${reason}; mend the sink's bucket function, for ` +
      'example with encodeURIComponent',
  );
}
