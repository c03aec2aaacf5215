import { endpointHandlers } from './endpointHandlers.ts';
import { failoverHandlers } from './failoverHandlers.ts';
import type { ApiServices, Handlers } from './services.ts';
import { systemHandlers } from './systemHandlers.ts';
import { workloadHandlers } from './workloadHandlers.ts';

/** The function of every operation. */
export function createHandlers(services: ApiServices): Handlers {
  return {
    ...systemHandlers(services),
    ...endpointHandlers(services),
    ...workloadHandlers(services),
    ...failoverHandlers(services),
  };
}
