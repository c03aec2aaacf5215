import { OsseaError } from '../contract/index.ts';

/** A datastore path taken apart: `[datastore] folder/file`. */
export interface DatastorePath {
  readonly datastore: string;
  readonly path: string;
}

/** Reads `[ds 1] dir/name.vmdk`. Throws `request.invalid`. */
export function parseDatastorePath(text: string): DatastorePath {
  const parts = /^\[([^\]]+)\] ?(.+)$/.exec(text);
  if (!parts) {
    throw new OsseaError('request.invalid', `“${text}” is not a datastore path.`, {
      field: 'fileName',
      value: text,
      remedy: 'A datastore path reads like “[datastore1] web/web.vmdk”.',
    });
  }
  return { datastore: parts[1]!, path: parts[2]! };
}

/** The file that holds the bytes of a flat disk, beside its descriptor: `name.vmdk` → `name-flat.vmdk`. */
export function flatFileName(descriptor: string): string {
  return descriptor.replace(/(-flat)?\.vmdk$/i, '-flat.vmdk');
}

export interface FolderPlace {
  readonly apiType: 'VirtualCenter' | 'HostAgent';
  /** Inventory path of the VM, such as `/customers/DC0/vm/prod/web-1`. */
  readonly vmPath: string;
  readonly datacenterName?: string | undefined;
}

/** The datacenter's inventory path without the leading slash, as `dcPath` wants it. A single host calls its own so. */
export function datacenterPath({ apiType, vmPath, datacenterName }: FolderPlace): string {
  if (apiType === 'HostAgent') return 'ha-datacenter';
  const segments = vmPath.split('/').filter(Boolean);
  // Folders may be called “vm” too, so the datacenter's own name decides where it is known.
  const vmFolder = segments.findIndex(
    (segment, index) =>
      index > 0 &&
      segment === 'vm' &&
      (datacenterName === undefined || segments[index - 1] === datacenterName),
  );
  if (vmFolder > 0) return segments.slice(0, vmFolder).join('/');
  if (datacenterName !== undefined) return datacenterName;
  throw new OsseaError('request.invalid', `The datacenter of the VM at ${vmPath} is not known.`, {
    field: 'path',
    value: vmPath,
    remedy: 'Run the inventory again.',
  });
}

/**
 * Path and query of a file under `/folder`. Each segment is percent-encoded: a “+” or a space in a name that is left
 * as it is finds another file or none.
 */
export function folderPath(file: DatastorePath, dcPath: string): string {
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  return `/folder/${path}?dcPath=${encodeURIComponent(dcPath)}&dsName=${encodeURIComponent(file.datastore)}`;
}
