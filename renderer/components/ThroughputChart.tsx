import { useComputedColorScheme, useMantineTheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatRate } from './format.ts';

interface Props {
  /** Seconds since 1970, rising. */
  readonly at: readonly number[];
  readonly bytesPerSecond: readonly number[];
  /** What it shows, for those who do not see it. */
  readonly label: string;
  readonly height: number;
}

const axisFont = '12px system-ui, sans-serif';
const rateAxisWidth = 86;
/** Steps of the rate's axis: powers of two, as rates are told in MiB. */
const rateSteps = Array.from({ length: 24 }, (_, power) => 2 ** (18 + power));
/** Seconds that the axis of time shows at least. */
const shortestSpan = 120;
const clockWithSeconds = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

/** Bytes a second over time. */
export function ThroughputChart({ at, bytesPerSecond, label, height }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const data = useRef<uPlot.AlignedData>([[], []]);
  const theme = useMantineTheme();
  const dark = useComputedColorScheme('light') === 'dark';
  const text = dark ? theme.colors.dark[1] : theme.colors.gray[7];
  const grid = dark ? theme.colors.dark[5] : theme.colors.gray[2];
  const line = dark ? '#74afe5' : '#2a6fb0';

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const axis = {
      stroke: text,
      font: axisFont,
      grid: { stroke: grid, width: 1 },
      ticks: { stroke: grid, width: 1 },
    };
    const created = new uPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: false },
        cursor: { y: false },
        scales: {
          // A copy that has only begun has a clock below it too.
          x: { range: (_self, from, to) => [Math.min(from, to - shortestSpan), to] },
          y: { range: (_self, _min, max) => [0, Math.max(max ?? 0, 2 ** 20) * 1.1] },
        },
        axes: [
          {
            ...axis,
            incrs: [30, 60, 120, 300, 600, 3600, 7200, 14_400, 21_600],
            values: (_self, values) =>
              values.map((at) => (at % 60 === 0 ? clock : clockWithSeconds).format(at * 1000)),
          },
          {
            ...axis,
            incrs: rateSteps,
            size: rateAxisWidth,
            values: (_self, values) => values.map(formatRate),
          },
        ],
        series: [{}, { stroke: line, width: 2, fill: `${line}22`, points: { show: false } }],
      },
      data.current,
      element,
    );
    plot.current = created;
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      created.destroy();
    };
  }, [height, text, grid, line]);

  useEffect(() => {
    data.current = [[...at], [...bytesPerSecond]];
    plot.current?.setData(data.current);
  }, [at, bytesPerSecond]);

  return <div ref={host} role="img" aria-label={label} style={{ minWidth: 0, overflow: 'hidden', height }} />;
}
