/** A number in 0 … 1: the chance that it strikes, decided by the seed. */
export type Chance = number;

/**
 * What can go wrong by itself. All switches are read anew at each call, so a test may change them while calls run.
 * Counters (`…Next`) count down to 0 as they strike.
 */
export interface VcenterFaults {
  /** A session ends after so many SOAP calls; 0: never. Its cookie is refused with NotAuthenticated, `/folder` with 401. */
  sessionExpiresAfterCalls: number;
  /** A SOAP call meets an expired session. */
  sessionExpires: Chance;
  /** Added to every SOAP answer and every `/folder` answer, milliseconds. */
  latencyMs: number;
  /** A SOAP connection is reset before anything happened. */
  soapReset: Chance;
  /** A SOAP connection is reset after the call took effect: the answer is lost. */
  soapResetAfter: Chance;
  /** A SOAP call is answered with HTTP 503. */
  soapUnavailable: Chance;

  /** A task's record vanishes as soon as it has ended: ManagedObjectNotFound, while its effect stands. */
  taskVanishes: Chance;
  /** A CreateSnapshot task fails without effect. */
  createSnapshotFails: Chance;
  /** A CreateSnapshot task that quiesces fails with ApplicationQuiesceFault. */
  quiesceFails: boolean;
  /** How long a task takes at least. */
  taskMs: number;
  /** How much longer the removal of a snapshot takes. */
  snapshotRemovalMs: number;
  /** A removal ends in success but leaves the disks to be consolidated (`runtime.consolidationNeeded`). */
  consolidationLeftover: Chance;

  /** A page of changed areas comes empty and covers no more than a slice; the changes follow in later pages. */
  cbtEmptyPages: Chance;
  /** Areas in one answer at most. */
  cbtMaxAreas: number;
  /** Bytes that one answer covers at most; 0: no limit. */
  cbtMaxSpanBytes: number;
  /** Leaves out the n-th changed area (from 0) of each answer: wrong CBT. */
  cbtLeaveOutArea: number | undefined;
  /** The last area's length is rounded up past the capacity. */
  cbtRoundsUp: boolean;
  /** `*` answers with the whole disk as one area, as it does where CBT was enabled under a snapshot. */
  cbtStarIsWholeDisk: boolean;
  /** `*` fails with FileFault, as it does on storage that does not know. */
  cbtStarFails: boolean;
  /** Changed areas since a change id are answered with SystemError, as hosts with a damaged tracking file do again and again. */
  cbtSystemError: boolean;
  /** A hard power-off resets CBT. */
  powerOffResetsCbt: boolean;

  /** ShutdownGuest is accepted and nothing happens. */
  guestIgnoresShutdown: boolean;
  /** From ShutdownGuest until the VM is off. */
  guestShutdownMs: number;

  /** A `/folder` or NFC answer is cut by a reset in mid-body. */
  folderReset: Chance;
  /** A `/folder` or NFC answer stops in mid-body and stays silent until the client gives up. */
  folderStall: Chance;
  /** `/folder` answers 503. */
  folderUnavailable: Chance;
  /** `/folder` ends the connection orderly after half of the body. */
  folderShortBody: Chance;
  /** `/folder` ignores Range and answers 200 with the whole file, as some proxies do. */
  folderIgnoresRange: boolean;
  /** The next n `/folder` requests are answered with 401 although the session lives. */
  folderUnauthorizedNext: number;
  /** Byte ranges of `/folder` files (all disks) that cannot be read: the body is reset there. */
  folderBadRanges: { path: string; offset: number; length: number }[];

  /** An export that nobody tells of its progress ends after so many seconds. */
  nfcLeaseTimeoutSeconds: number;
  /** How long an export takes until it is ready, milliseconds. */
  nfcInitializingMs: number;
  /** An export ends in an error instead of becoming ready. */
  nfcLeaseFails: Chance;
  /** URLs of exports have `*` in place of the host. */
  nfcStarHost: boolean;
  /** The checksums of the manifest are others than those of what was sent. */
  nfcWrongManifest: Chance;
  /** Bytes of an export's answer change on the way, after they were counted into the manifest. */
  nfcGarbles: Chance;
  /** The manifest is empty, as that of an old host. */
  nfcWithoutManifest: boolean;
  /** The server knows no SetManifestChecksumType, as before 6.7. */
  nfcWithoutSha256: boolean;
  /** So far into an answer, as a share of what it will send, a reset or a stall of NFC strikes. */
  nfcBreaksAt: number;

  /** Privilege ids, such as `VirtualMachine.State.CreateSnapshot`, that the account lacks. */
  deniedPrivileges: string[];
}

/** A vCenter without faults. */
export const noFaults: VcenterFaults = {
  sessionExpiresAfterCalls: 0,
  sessionExpires: 0,
  latencyMs: 0,
  soapReset: 0,
  soapResetAfter: 0,
  soapUnavailable: 0,
  taskVanishes: 0,
  createSnapshotFails: 0,
  quiesceFails: false,
  taskMs: 5,
  snapshotRemovalMs: 0,
  consolidationLeftover: 0,
  cbtEmptyPages: 0,
  cbtMaxAreas: 2000,
  cbtMaxSpanBytes: 0,
  cbtLeaveOutArea: undefined,
  cbtRoundsUp: false,
  cbtStarIsWholeDisk: false,
  cbtStarFails: false,
  cbtSystemError: false,
  powerOffResetsCbt: false,
  guestIgnoresShutdown: false,
  guestShutdownMs: 50,
  folderReset: 0,
  folderStall: 0,
  folderUnavailable: 0,
  folderShortBody: 0,
  folderIgnoresRange: false,
  folderUnauthorizedNext: 0,
  folderBadRanges: [],
  nfcLeaseTimeoutSeconds: 300,
  nfcInitializingMs: 5,
  nfcLeaseFails: 0,
  nfcStarHost: false,
  nfcWrongManifest: 0,
  nfcGarbles: 0,
  nfcWithoutManifest: false,
  nfcWithoutSha256: false,
  nfcBreaksAt: 0.25,
  deniedPrivileges: [],
};

/** Everything at once, seldom enough that patient work comes to its end. */
export const chaosFaults: VcenterFaults = {
  ...noFaults,
  sessionExpires: 0.01,
  soapReset: 0.01,
  soapResetAfter: 0.01,
  soapUnavailable: 0.01,
  taskVanishes: 0.03,
  createSnapshotFails: 0.03,
  snapshotRemovalMs: 200,
  consolidationLeftover: 0.05,
  cbtEmptyPages: 0.1,
  cbtMaxAreas: 50,
  cbtRoundsUp: true,
  folderReset: 0.01,
  folderStall: 0.001,
  folderUnavailable: 0.01,
  folderShortBody: 0.01,
  nfcInitializingMs: 100,
  nfcLeaseFails: 0.03,
  nfcStarHost: true,
  // An export whose answer was lost blocks its VM until then.
  nfcLeaseTimeoutSeconds: 5,
};
