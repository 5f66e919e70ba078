// Lines over time: the one place that knows of uPlot.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { clock, day } from "./format";

export interface Line { label: string; values: (number | null)[]; tone: string; fill?: boolean; dash?: number[] }

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function Chart({ times, lines, unit, height = 160, label }: { times: number[]; lines: Line[]; unit: (value: number) => string; height?: number; label: string }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shape = lines.map((line) => line.label + line.tone).join();
  useEffect(() => {
    const element = place.current!;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const make = () => {
      plot.current?.destroy();
      const axis = { stroke: colour("faint"), grid: { stroke: colour("edge"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
      plot.current = new uPlot(
        {
          width: Math.max(200, element.clientWidth), height, legend: { show: false }, padding: [8, 8, 0, 0],
          cursor: { y: false, points: { size: 5 } },
          scales: { y: { range: (_plot, _low, high) => [0, Math.max(high * 1.1, 1e-6)] } },
          axes: [{ ...axis, size: 26, space: 70, values: (_plot, ticks, _axis, _space, step) => ticks.map((tick) => (step >= 86_400 ? day(tick).slice(5) : clock(tick * 1e6, false).slice(0, step < 60 ? 8 : 5))) }, { ...axis, size: 56, values: (_plot, ticks) => ticks.map(unit) }],
          series: [{}, ...lines.map((line) => ({ label: line.label, stroke: colour(line.tone), width: 1.5, dash: line.dash, points: { show: false }, spanGaps: true, fill: line.fill ? colour(`${line.tone}-soft`) : undefined }))],
          hooks: {
            setCursor: [(at) => {
              const index = at.cursor.idx;
              const told = element.parentElement!.querySelector(".legend")!;
              for (const [number, span] of [...told.querySelectorAll("b")].entries()) {
                const value = index == null ? null : at.data[number + 1]?.[index];
                span.textContent = value == null ? "" : unit(value);
              }
            }],
          },
        },
        [times, ...lines.map((line) => line.values)] as uPlot.AlignedData,
        element,
      );
    };
    make();
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(200, element.clientWidth), height }));
    sized.observe(element);
    dark.addEventListener("change", make);
    return () => { sized.disconnect(); dark.removeEventListener("change", make); plot.current?.destroy(); plot.current = null; };
  }, [shape, height]);
  useEffect(() => { plot.current?.setData([times, ...lines.map((line) => line.values)] as uPlot.AlignedData); });
  return (
    <figure class="chart" aria-label={label}>
      <figcaption class="legend">{lines.map((line) => <span><i class={line.tone} aria-hidden="true" />{line.label} <b /></span>)}</figcaption>
      <div ref={place} />
    </figure>
  );
}
