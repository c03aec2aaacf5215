import { useState } from 'react';
import { type AddWorkloads, type Problem, toProblem } from '../../../appliance-agent/src/contract/index.ts';
import { useAgentMutation } from '../../queries/agent.ts';
import { addRequests, type VmMapping } from './mapping.ts';

/** How it went with one VM. */
export interface AdditionResult {
  readonly vm: VmMapping['vm'];
  readonly outcome: 'added' | 'exists' | 'failed';
  readonly workloadId?: string | undefined;
  readonly problem?: Problem | undefined;
}

interface Addition {
  readonly done: number;
  readonly total: number;
  readonly running: boolean;
  readonly results: readonly AdditionResult[];
}

/** Adds VMs request by request; a request that fails is a result of its VMs and does not stop the others. */
export function useAddition(applianceId: string | undefined) {
  const [addition, setAddition] = useState<Addition>();
  const { mutateAsync } = useAgentMutation(applianceId, 'addWorkloads', ['listWorkloads']);

  const send = async (
    request: AddWorkloads,
    vms: ReadonlyMap<string, VmMapping['vm']>,
  ): Promise<AdditionResult[]> => {
    const mine = request.vms.flatMap((id) => vms.get(id) ?? []);
    try {
      const { results } = (await mutateAsync({ body: request })).data;
      const told = new Map(results.map((result) => [result.vm, result]));
      return mine.map((vm) => {
        const result = told.get(vm.instanceUuid);
        return {
          vm,
          outcome: result?.outcome ?? 'failed',
          workloadId: result?.workload?.id,
          problem: result?.problem,
        };
      });
    } catch (error) {
      const problem = toProblem(error);
      return mine.map((vm) => ({ vm, outcome: 'failed' as const, problem }));
    }
  };

  const add = async (mappings: readonly VmMapping[], sourceId: string, targetId: string) => {
    const requests = addRequests(mappings, sourceId, targetId);
    const vms = new Map(mappings.map(({ vm }) => [vm.instanceUuid, vm]));
    const results: AdditionResult[] = [];
    for (const request of requests) {
      setAddition({ done: results.length, total: vms.size, running: true, results: [...results] });
      results.push(...(await send(request, vms)));
    }
    setAddition({ done: results.length, total: vms.size, running: false, results });
  };
  return { addition, add };
}
