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
import { useState } from 'react';
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
  readonly onChange: (filter: InventoryFilter) => void;
  readonly choices: { readonly [D in Dimension]: readonly Choice[] };
  readonly shown: number;
  readonly total: number;
}

/** More choices than these get a search of their own. */
const fewChoices = 8;
const mostListed = 200;

interface ChooserProps {
  readonly title: string;
  readonly choices: readonly Choice[];
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
}

function Chooser({ title, choices, chosen, onChange }: ChooserProps) {
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
            <Checkbox.Group value={[...chosen]} onChange={onChange} aria-label={title}>
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
            onClick={() => onChange([])}
          >
            Clear
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function sizeWords({ leastGiB, mostGiB }: InventoryFilter): string {
  if (leastGiB !== undefined && mostGiB !== undefined) return `Size: ${leastGiB}–${mostGiB} GiB`;
  if (leastGiB !== undefined) return `Size: from ${leastGiB} GiB`;
  return mostGiB === undefined ? 'Size' : `Size: to ${mostGiB} GiB`;
}

function SizeChooser({ filter, onChange }: Pick<Props, 'filter' | 'onChange'>) {
  const gib = (value: number | string) => (typeof value === 'number' ? value : undefined);
  const words = sizeWords(filter);
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
            value={filter.leastGiB ?? ''}
            onChange={(value) => onChange({ ...filter, leastGiB: gib(value) })}
          />
          <NumberInput
            size="xs"
            w={110}
            min={0}
            label="At most, GiB"
            value={filter.mostGiB ?? ''}
            onChange={(value) => onChange({ ...filter, mostGiB: gib(value) })}
          />
        </Group>
      </Popover.Dropdown>
    </Popover>
  );
}

/** The search and what narrows the table; all of it can be used by the keyboard. */
export function FilterBar({ filter, onChange, choices, shown, total }: Props) {
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
        onChange={(event) => onChange({ ...filter, text: event.currentTarget.value })}
      />
      {dimensions.map((dimension) => (
        <Chooser
          key={dimension}
          title={dimensionTitles[dimension]}
          choices={choices[dimension]}
          chosen={filter.chosen[dimension] ?? []}
          onChange={(chosen) => onChange({ ...filter, chosen: { ...filter.chosen, [dimension]: chosen } })}
        />
      ))}
      <SizeChooser filter={filter} onChange={onChange} />
      {narrowed && (
        <Button
          size="xs"
          variant="subtle"
          leftSection={<IconX size={14} aria-hidden />}
          onClick={() => onChange(noFilter)}
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
