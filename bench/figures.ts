/** Figures as people read them: medians with their ranges, in Markdown tables that docs/performance.md can take. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What a reader must know to read it. */
  readonly note?: string;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? NaN;
  return below + ((sorted[Math.ceil(at)] ?? NaN) - below) * (at % 1);
}

export const median = (values: readonly number[]) => quantile(values, 0.5);

export interface Unit {
  readonly name: string;
  readonly digits: number;
}

export const units = {
  ms: { name: 'ms', digits: 0 },
  fineMs: { name: 'ms', digits: 1 },
  s: { name: 's', digits: 2 },
  mb: { name: 'MB', digits: 0 },
  perSecond: { name: '/s', digits: 0 },
  times: { name: '', digits: 2 },
} as const satisfies Record<string, Unit>;

/** `336 ms (320–360)` */
export function shown(values: readonly number[], unit: Unit): string {
  const of = (value: number) =>
    value.toLocaleString('en-US', { minimumFractionDigits: unit.digits, maximumFractionDigits: unit.digits });
  const name = unit.name === '' ? '' : ` ${unit.name}`;
  if (values.length < 2) return `${of(median(values))}${name}`;
  return `${of(median(values))}${name} (${of(Math.min(...values))}–${of(Math.max(...values))})`;
}

/** Run by run, so that what slowed both of a turn down cancels out. */
export const ratios = (ours: readonly number[], floor: readonly number[]) =>
  ours.map((value, at) => value / floor[at]!);

export function markdown({ title, head, rows, note }: Table): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, at) => (cells[at] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [`### ${title}`, '', line(head), rule, ...rows.map(line), ...(note === undefined ? [] : ['', note]), ''].join(
    '\n',
  );
}
