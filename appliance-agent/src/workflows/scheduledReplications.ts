import { isOsseaError, StartReplicate } from '../contract/index.ts';
import { nextRun } from '../plan/schedule.ts';
import type { Store } from '../store/store.ts';
import type { JobControl } from './jobControl.ts';
import { replicateSteps } from './replicate.ts';
import type { Duty } from './scheduler.ts';

/** Who is named as the starter of what a schedule begins. */
const actor = 'schedule';

/** Starts the replications that their schedules have due. */
export function scheduledReplications(store: Store, jobs: JobControl): Duty {
  return {
    name: 'scheduled replications',
    tend: async (now) => {
      for (const { id, schedule, history } of await store.schedules.listFree()) {
        const due = nextRun(schedule, history);
        if (!due || due > now) continue;
        const request = StartReplicate.parse({});
        try {
          await jobs.start({
            kind: 'replicate',
            workloadId: id,
            request,
            steps: replicateSteps,
            createdBy: actor,
          });
        } catch (error) {
          // Somebody started another one in between, or removed the workload.
          if (!isOsseaError(error, 'job.running', 'request.not-found')) throw error;
        }
      }
    },
  };
}
