/** How many bytes of inputs a worker keeps between jobs. */
const MOST = 256e6;

/**
 * What a worker keeps of its jobs' large inputs, by digest, so that each crosses over once and not with every job. Beyond
 * `most` bytes the longest unused go first, but never those of the job at hand.
 */
export class Blobs {
  private readonly held = new Map<string, Uint8Array>(); // the longest unused first
  private bytes = 0;

  constructor(private readonly most = MOST) {}

  put(digest: string, blob: Uint8Array): void {
    this.bytes += blob.length - (this.held.get(digest)?.length ?? 0);
    this.held.delete(digest);
    this.held.set(digest, blob);
  }

  /** Those of `digests` that are not here, each once. */
  lacking(digests: readonly string[]): string[] {
    return [...new Set(digests)].filter((digest) => !this.held.has(digest));
  }

  /** A job's inputs in its order; none of them may be lacking. Makes room afterwards. */
  use(digests: readonly string[]): Uint8Array[] {
    const blobs = digests.map((digest) => this.held.get(digest)!);
    digests.forEach((digest, at) => this.put(digest, blobs[at]!));
    const needed = new Set(digests);
    for (const [digest, blob] of this.held) {
      if (this.bytes <= this.most) break;
      if (needed.has(digest)) continue;
      this.held.delete(digest);
      this.bytes -= blob.length;
    }
    return blobs;
  }
}
