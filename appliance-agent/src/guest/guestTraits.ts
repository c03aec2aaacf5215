/** What kind of system runs in the guest, as far as its boot goes. */
export type GuestFamily = 'windows' | 'linux' | 'bsd' | 'other';

export interface GuestTraits {
  readonly family: GuestFamily;
  /** What the guest takes its real-time clock for. Windows counts it in local time, everybody else in UTC. */
  readonly clock: 'utc' | 'localtime';
  /** How often the guest may restart by itself at its first boot on the target, and nothing be wrong. */
  readonly expectedReboots: number;
  /** How long the first boot may take before it counts as failed, seconds. */
  readonly bootPatienceSeconds: number;
}

export interface TraitsOf {
  /** vSphere's `guestId`, such as `windows2019srv_64Guest`. */
  readonly guestId: string;
  /** What an inspection or a conversion found; goes before the guest id, which people choose and forget. */
  readonly os?: string | undefined;
  /** True where virt-v2v prepared the guest: drivers and agents are then installed at the first boot. */
  readonly converted: boolean;
}

const linuxIds =
  /linux|centos|rhel|redhat|debian|ubuntu|sles|suse|sjds|nld9|oes|fedora|oracle|rocky|alma|amazon|photon|asianux|mandr|turbo|coreos/i;

/** Distributions whose SELinux gives every file its label at the first boot after a conversion, and then restarts. */
const relabellingIds = /centos|rhel|redhat|fedora|oracle|rocky|alma/i;

/** The family by vSphere's `guestId`. */
export function guestFamily(guestId: string): GuestFamily {
  if (/^win/i.test(guestId)) return 'windows';
  if (/^freebsd/i.test(guestId)) return 'bsd';
  return linuxIds.test(guestId) ? 'linux' : 'other';
}

function familyOf({ guestId, os }: TraitsOf): GuestFamily {
  if (os === 'windows' || os === 'linux') return os;
  if (os === 'freebsd' || os === 'netbsd' || os === 'openbsd') return 'bsd';
  return os === undefined || os === 'unknown' ? guestFamily(guestId) : 'other';
}

/**
 * What the boot of a guest looks like, so that nobody declares it failed too early. Windows restarts four times or more at
 * its first boot after a conversion, as each round of drivers asks for it.
 */
export function guestTraits(guest: TraitsOf): GuestTraits {
  const family = familyOf(guest);
  if (family === 'windows') {
    return {
      family,
      clock: 'localtime',
      expectedReboots: guest.converted ? 6 : 2,
      bootPatienceSeconds: guest.converted ? 2400 : 1200,
    };
  }
  const relabels = family === 'linux' && guest.converted && relabellingIds.test(guest.guestId);
  return {
    family,
    clock: 'utc',
    expectedReboots: relabels ? 1 : 0,
    bootPatienceSeconds: relabels ? 1200 : 600,
  };
}
