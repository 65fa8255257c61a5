/**
 * The URL of a module beside another: `.ts` from source, `.js` when built (the compiler does not
 * rewrite URLs in strings).
 */

/** `path` without extension, relative to the module `base`, with the extension that `base` has. */
export function siblingModule(path: string, base: string): URL {
  const extension = base.endsWith('.ts') ? '.ts' : '.js';
  return new URL(`${path}${extension}`, base);
}
