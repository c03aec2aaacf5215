import type { CloudDiscovery, TargetConfig } from '../contract/index.ts';
import type { CloudStackClient } from './client.ts';

export interface DiscoveryOptions {
  /** MAC addresses of this machine; undefined: those of the kernel's interfaces. */
  readonly applianceMacs?: readonly string[] | undefined;
  /** Known already, so that it need not be found. */
  readonly applianceVmId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Everything that an engineer chooses from. @throws OsseaError cloudstack.* */
export type DiscoverCloud = (client: CloudStackClient, options?: DiscoveryOptions) => Promise<CloudDiscovery>;

/**
 * The configuration, complete and consistent with what the cloud has.
 * @throws OsseaError config.incomplete with the field (`target.networkId` …), config.invalid with field and value
 */
export type ValidateTargetConfig = (config: Partial<TargetConfig>, discovery: CloudDiscovery) => TargetConfig;
