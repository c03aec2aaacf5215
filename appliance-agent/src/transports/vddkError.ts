import { type ErrorCode, OsseaError } from '../contract/index.ts';

interface KnownText {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly remedy: string;
  /** True where a new session may succeed without anybody's help. */
  readonly retryable: boolean;
}

/**
 * What nbdkit and VDDK print, and what it means. The texts are VMware's and nbdkit's own, as users report them; the
 * first that fits counts, so causes stand before consequences.
 */
const knownTexts: readonly KnownText[] = [
  {
    pattern: /cannot open plugin ['“"]?vddk/i,
    code: 'vddk.missing',
    detail: 'nbdkit has no vddk plugin',
    remedy: 'Install nbdkit’s vddk plugin (nbdkit-vddk-plugin, or nbdkit built with it).',
    retryable: false,
  },
  {
    pattern: /lib(ssl|crypto)\.so\.3/i,
    code: 'vddk.library',
    detail: 'the VDDK library needs OpenSSL 3, which is not there',
    remedy: 'Install OpenSSL 3, or use a VDDK older than 8.0.2.',
    retryable: false,
  },
  {
    pattern:
      /libvixDiskLib\.so[^\n]*(cannot open shared object|No such file|could not be loaded)|GLIBC\w*_[\d.]+.? not found/i,
    code: 'vddk.library',
    detail: 'the VDDK library cannot be loaded',
    remedy: 'Check the VDDK folder with “ossea-agent doctor”: it must hold lib64/libvixDiskLib.so.',
    retryable: false,
  },
  {
    pattern: /Failed to verify SSL certificate|SSL_VERIFY_FAILED|thumbprint (mismatch|does not match)/i,
    code: 'vddk.thumbprint',
    detail: 'the certificate is another one than the trusted one',
    remedy: 'Find out why the certificate changed. If that was meant, trust the new one on the source.',
    retryable: false,
  },
  {
    pattern: /Host address lookup for server (\S+)/i,
    code: 'vddk.host-lookup',
    detail: 'the name $1 cannot be resolved',
    remedy: 'Let the appliance resolve the names of all ESXi hosts: add them to its DNS or to /etc/hosts.',
    retryable: true,
  },
  {
    pattern: /incorrect user name or password|InvalidLogin|Login (failed|incorrect)|cannot complete login/i,
    code: 'vddk.login',
    detail: 'the user name or password was refused',
    remedy: 'Renew the credentials of the source.',
    retryable: false,
  },
  {
    pattern: /NFC[^\n]*error 5\b|Failed to allocate (the requested|memory)|NFC_NO_MEMORY/i,
    code: 'vddk.memory',
    detail: 'the ESXi host has no memory left for copies over NFC',
    remedy: 'Copy fewer disks of this host at a time, or raise the memory of its nfcsvc service.',
    retryable: true,
  },
  {
    pattern: /maintenance mode/i,
    code: 'vddk.open',
    detail: 'the host is in maintenance mode',
    remedy: 'End the maintenance mode, or move the VM to another host.',
    retryable: true,
  },
  {
    pattern: /GetFileName: Cannot create disk spec/i,
    code: 'vddk.open',
    detail: 'the disk is not part of the snapshot, as independent disks are not',
    remedy: 'Change the mode of the disk to dependent (persistent) and make a new snapshot.',
    retryable: false,
  },
  {
    pattern: /insufficient (permissions|rights)|NoPermission|do not have access rights/i,
    code: 'vddk.open',
    detail: 'the account may not read the disk',
    remedy:
      'Grant VirtualMachine.Provisioning.DiskRandomRead, Provisioning.GetVmFiles and Config.DiskLease on the VM.',
    retryable: false,
  },
  {
    pattern:
      /HOST_SERVER_(SHUTDOWN|NOT_AVAILABLE)|HOST_NETWORK_CONN_(LOST|REFUSED)|session (is not authenticated|has expired|was lost)|server (has )?disconnected|connection (was )?(lost|reset)/i,
    code: 'vddk.connect',
    detail: 'the session with the ESXi host was lost',
    remedy: 'Check whether the host was restarted or the VM moved to another host.',
    retryable: true,
  },
  {
    pattern:
      /(Connection refused|Failed to (initiate|connect|establish)[^\n]*(902|NFC|connect)|Cannot connect to (the )?(host|server)|NBD_ERR_NETWORK_CONNECT|timed out)/i,
    code: 'vddk.connect',
    detail: 'no connection to port 902 of the ESXi host',
    remedy: 'Open TCP ports 443 and 902 from this appliance to vCenter and to every ESXi host.',
    retryable: true,
  },
  {
    pattern: /VixDiskLib_Open(Ex)?:/i,
    code: 'vddk.open',
    detail: 'the disk could not be opened',
    remedy: 'Check that the snapshot is still there and no other tool holds the disk.',
    retryable: true,
  },
];

/** What the log of nbdkit says went wrong with a disk; `vddk.failed` with its last line where no text is known. */
export function vddkErrorFromLog(log: string, label: string): OsseaError {
  return knownVddkError(log, label) ?? vddkFailed(log, label);
}

/** The same, but undefined where no text is known. */
export function knownVddkError(log: string, label: string): OsseaError | undefined {
  for (const { pattern, code, detail, remedy, retryable } of knownTexts) {
    const match = pattern.exec(log);
    if (!match) continue;
    const what = detail.replace('$1', match[1] ?? '');
    return new OsseaError(
      code,
      `VDDK cannot read the disk ${label}: ${what} (${lineOf(log, match.index)}).`,
      {
        remedy,
        retryable,
      },
    );
  }
  return undefined;
}

function vddkFailed(log: string, label: string): OsseaError {
  const last = log.trim().split('\n').at(-1) ?? '';
  const said = last ? `nbdkit says “${withoutPrefix(last)}”` : 'nbdkit ended without a word';
  return new OsseaError('vddk.failed', `VDDK cannot read the disk ${label}: ${said}.`, {
    retryable: true,
    remedy: 'Check the VDDK folder with “ossea-agent doctor”, and the log of the agent.',
  });
}

function lineOf(log: string, index: number): string {
  const start = log.lastIndexOf('\n', index) + 1;
  const end = log.indexOf('\n', index);
  return withoutPrefix(log.slice(start, end < 0 ? undefined : end));
}

function withoutPrefix(line: string): string {
  return line
    .replace(/^nbdkit: (\w+\[\d+\]: )?(error: )?/, '')
    .trim()
    .slice(0, 300);
}
