import {
  Button,
  Checkbox,
  Group,
  NumberInput,
  Popover,
  ScrollArea,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { IconChevronDown, IconSearch, IconX } from '@tabler/icons-react';
import { memo, useCallback, useState } from 'react';
import {
  type Choice,
  type Dimension,
  dimensions,
  dimensionTitles,
  type InventoryFilter,
  noFilter,
} from './inventoryFilter.ts';

interface Props {
  readonly filter: InventoryFilter;
  /** Given a function of the filter as it is then. */
  readonly onChange: (change: (filter: InventoryFilter) => InventoryFilter) => void;
  readonly choices: { readonly [D in Dimension]: readonly Choice[] };
  readonly shown: number;
  readonly total: number;
}

/** More choices than these get a search of their own. */
const fewChoices = 8;
const mostListed = 200;

interface ChooserProps {
  readonly dimension: Dimension;
  readonly choices: readonly Choice[];
  readonly chosen: readonly string[];
  readonly onChange: (dimension: Dimension, chosen: readonly string[]) => void;
}

/** Rendered again only when its own choices change: typing in the search leaves all of them alone. */
const Chooser = memo(function Chooser({ dimension, choices, chosen, onChange }: ChooserProps) {
  const title = dimensionTitles[dimension];
  const [part, setPart] = useState('');
  const listed = choices.filter(({ value }) => value.toLowerCase().includes(part.toLowerCase()));
  return (
    <Popover position="bottom-start" shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button
          size="xs"
          variant={chosen.length > 0 ? 'light' : 'default'}
          rightSection={<IconChevronDown size={14} aria-hidden />}
          aria-label={chosen.length > 0 ? `${title}, ${chosen.length} chosen` : title}
        >
          {chosen.length === 0 ? title : `${title}: ${chosen.length === 1 ? chosen[0] : chosen.length}`}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs" miw={200}>
          {choices.length > fewChoices && (
            <TextInput
              size="xs"
              aria-label={`Find in ${title}`}
              placeholder="Find"
              value={part}
              onChange={(event) => setPart(event.currentTarget.value)}
            />
          )}
          <ScrollArea.Autosize mah={260} type="auto">
            <Checkbox.Group
              value={[...chosen]}
              onChange={(values) => onChange(dimension, values)}
              aria-label={title}
            >
              <Stack gap={6}>
                {listed.slice(0, mostListed).map(({ value, count }) => (
                  <Checkbox
                    key={value}
                    size="xs"
                    value={value}
                    label={`${value} (${count.toLocaleString()})`}
                  />
                ))}
              </Stack>
            </Checkbox.Group>
            {listed.length === 0 && <Text size="sm">Nothing here</Text>}
          </ScrollArea.Autosize>
          <Button
            size="compact-xs"
            variant="subtle"
            disabled={chosen.length === 0}
            onClick={() => onChange(dimension, [])}
          >
            Clear
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
});

interface SizeProps extends Pick<InventoryFilter, 'leastGiB' | 'mostGiB'>, Pick<Props, 'onChange'> {}

function sizeWords(leastGiB: number | undefined, mostGiB: number | undefined): string {
  if (leastGiB !== undefined && mostGiB !== undefined) return `Size: ${leastGiB}–${mostGiB} GiB`;
  if (leastGiB !== undefined) return `Size: from ${leastGiB} GiB`;
  return mostGiB === undefined ? 'Size' : `Size: to ${mostGiB} GiB`;
}

const SizeChooser = memo(function SizeChooser({ leastGiB, mostGiB, onChange }: SizeProps) {
  const gib = (value: number | string) => (typeof value === 'number' ? value : undefined);
  const words = sizeWords(leastGiB, mostGiB);
  return (
    <Popover position="bottom-start" shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button
          size="xs"
          variant={words === 'Size' ? 'default' : 'light'}
          rightSection={<IconChevronDown size={14} aria-hidden />}
        >
          {words}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Group gap="xs" wrap="nowrap">
          <NumberInput
            size="xs"
            w={110}
            min={0}
            label="At least, GiB"
            value={leastGiB ?? ''}
            onChange={(value) => onChange((filter) => ({ ...filter, leastGiB: gib(value) }))}
          />
          <NumberInput
            size="xs"
            w={110}
            min={0}
            label="At most, GiB"
            value={mostGiB ?? ''}
            onChange={(value) => onChange((filter) => ({ ...filter, mostGiB: gib(value) }))}
          />
        </Group>
      </Popover.Dropdown>
    </Popover>
  );
});

const nothing: readonly string[] = [];

/** The search and what narrows the table; all of it can be used by the keyboard. */
export function FilterBar({ filter, onChange, choices, shown, total }: Props) {
  const choose = useCallback(
    (dimension: Dimension, chosen: readonly string[]) =>
      onChange((old) => ({ ...old, chosen: { ...old.chosen, [dimension]: chosen } })),
    [onChange],
  );
  const narrowed = shown !== total || filter.text !== '';
  return (
    <Group gap={6}>
      <TextInput
        type="search"
        size="xs"
        w={230}
        aria-label="Search VMs"
        placeholder="Name, IP, MAC, tag, path …"
        leftSection={<IconSearch size={14} aria-hidden />}
        value={filter.text}
        onChange={(event) => {
          const text = event.currentTarget.value;
          onChange((old) => ({ ...old, text }));
        }}
      />
      {dimensions.map((dimension) => (
        <Chooser
          key={dimension}
          dimension={dimension}
          choices={choices[dimension]}
          chosen={filter.chosen[dimension] ?? nothing}
          onChange={choose}
        />
      ))}
      <SizeChooser leastGiB={filter.leastGiB} mostGiB={filter.mostGiB} onChange={onChange} />
      {narrowed && (
        <Button
          size="xs"
          variant="subtle"
          leftSection={<IconX size={14} aria-hidden />}
          onClick={() => onChange(() => noFilter)}
        >
          Clear filters
        </Button>
      )}
      <Text size="sm" c="dimmed" role="status">
        {shown === total
          ? `${total.toLocaleString()} VMs`
          : `${shown.toLocaleString()} of ${total.toLocaleString()} VMs`}
      </Text>
    </Group>
  );
}
