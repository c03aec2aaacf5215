import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A guestfish that writes into the disks that it is given, as a conversion does, and then fails: while `hold` is there it waits before that, so that
 * the agent can be killed in the middle.
 */
const guestfish = `#!/bin/sh
dir=$(dirname "$0")
while [ $# -gt 0 ]; do
  if [ "$1" = -a ]; then
    head -c 300000 /dev/urandom | dd of="$2" bs=65536 seek=5 conv=notrunc status=none
    sync "$2"
    echo "$2" >> "$dir/touched"
    shift
  fi
  shift
done
while [ -e "$dir/hold" ]; do sleep 0.1; done
echo "libguestfs: error: this guest is not to be mended" >&2
exit 1
`;

/** Guest tools that ruin disks, for an agent's PATH. */
export class BadGuestTools implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<BadGuestTools> {
    const folder = await mkdtemp(join(tmpdir(), 'bad-guest-tools-'));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'guestfish'), guestfish);
    await chmod(join(folder, 'guestfish'), 0o755);
    return new BadGuestTools(folder);
  }

  /** For the agent that is to use them. */
  get environment(): NodeJS.ProcessEnv {
    return { PATH: `${this.folder}:${process.env.PATH}` };
  }

  get touchedFile(): string {
    return join(this.folder, 'touched');
  }

  /** Keeps the tools from ending, or lets them. */
  async hold(on: boolean): Promise<void> {
    const file = join(this.folder, 'hold');
    await (on ? writeFile(file, '') : rm(file, { force: true }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hold(false);
    await rm(this.folder, { recursive: true, force: true });
  }
}
