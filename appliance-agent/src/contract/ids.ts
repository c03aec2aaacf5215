import { z } from 'zod';

/** A vSphere managed object reference's value, such as `vm-1042`. Unique only within one vCenter. */
export const MoRef = z.string().min(1).brand<'MoRef'>();
export type MoRef = z.infer<typeof MoRef>;

/** A virtual device's key, such as 2000. Unique within a VM at one time; vSphere may give it again after removal. */
export const DeviceKey = z.number().int().brand<'DeviceKey'>();
export type DeviceKey = z.infer<typeof DeviceKey>;

/** A CloudStack object's UUID. */
export const CloudId = z.string().min(1).brand<'CloudId'>();
export type CloudId = z.infer<typeof CloudId>;

/** The UUID of a CloudStack volume. */
export const VolumeId = z.string().min(1).brand<'VolumeId'>();
export type VolumeId = z.infer<typeof VolumeId>;

/** An id that the agent gave: a UUID. */
export const AgentId = z.uuid();
export type AgentId = z.infer<typeof AgentId>;

/** A moment, ISO 8601 in UTC with milliseconds. */
export const Timestamp = z.iso.datetime();

/** A count of bytes; exact up to 8 PiB. */
export const Bytes = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

/**
 * What proves a copy. `delta`: what the cycle wrote is read back; all of the disk where the cycle wrote it for the first time. `readback`: all
 * of the target is read back. `source`: the source is read again as well.
 */
export const VerifyMode = z.enum(['none', 'delta', 'readback', 'source']);
export type VerifyMode = z.infer<typeof VerifyMode>;

/** The SHA-256 of a leaf certificate in DER form: 64 lower-case hex digits. */
export const Fingerprint = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');

/** How disks are read. */
export const TransportKind = z.enum(['vddk', 'folder', 'nbd', 'nfc']);
export type TransportKind = z.infer<typeof TransportKind>;
