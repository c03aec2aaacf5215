/** The agent's API: the only part of it that the console imports. */
export * from './cloud.ts';
export * from './concern.ts';
export * from './endpoint.ts';
export * from './error.ts';
export * from './event.ts';
export * from './failover.ts';
export * from './guest.ts';
export * from './guestAddress.ts';
export * from './ids.ts';
export * from './job.ts';
export * from './replication.ts';
export * from './report.ts';
export * from './routes.ts';
export * from './system.ts';
export * from './vm.ts';
export * from './volume.ts';
export * from './workload.ts';
