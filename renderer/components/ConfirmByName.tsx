import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';

interface Props {
  readonly opened: boolean;
  readonly onClose: () => void;
  /** What will be done, as a verb with its object: "Delete vCenter account". */
  readonly title: string;
  /** What has to be typed. */
  readonly name: string;
  readonly confirmLabel: string;
  readonly busy?: boolean;
  readonly onConfirm: () => void;
  /** What it means, and what it does not touch. */
  readonly children: ReactNode;
}

/** Asks to type the name of what cannot be brought back. */
export function ConfirmByName({
  opened,
  onClose,
  title,
  name,
  confirmLabel,
  busy,
  onConfirm,
  children,
}: Props) {
  const [typed, setTyped] = useState('');
  const close = () => {
    setTyped('');
    onClose();
  };
  const fits = typed.trim() === name;
  return (
    <Modal opened={opened} onClose={close} title={title} centered>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!fits) return;
          setTyped('');
          onConfirm();
        }}
      >
        <Stack gap="sm">
          <Text size="sm" component="div">
            {children}
          </Text>
          <TextInput
            label={`Type "${name}" to confirm`}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            data-autofocus
            autoComplete="off"
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              Keep it
            </Button>
            <Button type="submit" color="red" disabled={!fits} loading={busy ?? false}>
              {confirmLabel}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
