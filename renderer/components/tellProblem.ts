import { notifications } from '@mantine/notifications';
import { toProblem } from '../../appliance-agent/src/contract/index.ts';

/** Says that an act did not work, why, and what to do about it. */
export function tellProblem(error: unknown): void {
  const { title, detail, remedy } = toProblem(error);
  notifications.show({
    color: 'red',
    title,
    message: remedy === undefined ? detail : `${detail} ${remedy}`,
    autoClose: 12_000,
  });
}
