import { Alert, List, Text } from '@mantine/core';
import { type ConnectionTest, toProblem } from '../../../appliance-agent/src/contract/index.ts';

interface Props {
  readonly name: string;
  readonly result: ConnectionTest | undefined;
  readonly error: unknown;
  readonly onClose: () => void;
}

/** Beyond it, times in reports mislead. Seconds. */
const clockTolerance = 60;

/** How the test of a connection ended, and what is missing. */
export function TestOutcome({ name, result, error, onClose }: Props) {
  if (!result) {
    const { title, detail, remedy } = toProblem(error);
    return (
      <Alert
        color="red"
        variant="light"
        title={title}
        withCloseButton
        closeButtonLabel="Close"
        onClose={onClose}
        role="status"
      >
        {detail} {remedy}
      </Alert>
    );
  }
  const { ok, product, latencyMs, clockSkewSeconds = 0, missingPrivileges } = result;
  const skewed = Math.abs(clockSkewSeconds) > clockTolerance;
  return (
    <Alert
      color={ok ? 'teal' : 'orange'}
      variant="light"
      title={ok ? `${name} answers` : `${name} answers, but the account lacks privileges`}
      withCloseButton
      closeButtonLabel="Close"
      onClose={onClose}
      role="status"
    >
      <Text size="sm">
        {product}, {Math.round(latencyMs)} ms from the appliance.
        {skewed &&
          ` Its clock is ${Math.round(Math.abs(clockSkewSeconds))} s ${clockSkewSeconds > 0 ? 'ahead' : 'behind'}.`}
      </Text>
      {missingPrivileges.length > 0 && (
        <List size="sm" mt="xs">
          {missingPrivileges.map(({ privilege, object, objectName, neededFor }) => (
            <List.Item key={`${privilege} ${object}`}>
              {privilege} on {objectName}, needed {neededFor}
            </List.Item>
          ))}
        </List>
      )}
    </Alert>
  );
}
