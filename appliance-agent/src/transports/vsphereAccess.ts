/**
 * What a transport needs of a vCenter or ESXi session. Secrets are asked for when they are needed and never kept.
 */
export interface VsphereAccess {
  /** Scheme, host and port, such as `https://vcenter.example`. */
  readonly origin: string;
  readonly apiType: 'VirtualCenter' | 'HostAgent';
  /** SHA-256 of the trusted leaf certificate, 64 lower-case hex digits. */
  readonly fingerprint: string;
  /** SHA-1 of the same certificate as `AA:BB:…`, the form that VDDK wants. */
  readonly thumbprint: string;
  credentials(): Promise<{ username: string; password: string }>;
  /** Request headers that authorise a `/folder` request now: `cookie` with the session's cookie, or a ticket's. */
  authorization(): Promise<Record<string, string>>;
  /** Makes a new session after the old one was refused; calls that come together make one. */
  renew(): Promise<void>;
}
