// Curves by uPlot, drawn in place.

import {h} from './dom.js';
import {clock, number, tick} from './format.js';

const DASHES = [[], [6, 3], [], [3, 3]];
const dark = matchMedia('(prefers-color-scheme: dark)');
const charts = new Map();

dark.addEventListener('change', () => charts.forEach(chart => chart.renew()));

/**
 * A chart that is always the same element.
 *
 * @param series [{label, color: a custom property, dash: 0 to 3}]
 * @param data as uPlot has it: the times, then a list of values for each series
 */
export function chart(id, series, data) {
  const known = charts.get(id);
  if (known) {
    known.show(data);
  }
  return h('div', {
    class: 'chart', own: true, key: id, 'aria-hidden': 'true',
    mounted: element => {
      charts.get(id)?.end();
      charts.set(id, new Chart(element, series, data));
    },
  });
}

class Chart {
  constructor(element, series, data) {
    this.element = element;
    this.series = series;
    this.data = data;
    this.legend = document.createElement('p');
    this.legend.className = 'legend';
    this.box = document.createElement('div');
    element.append(this.legend, this.box);
    this.observer = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.observer.observe(element);
    this.renew();
  }

  show(data) {
    this.data = data;
    this.plot?.setData(data);
    this.tell(this.plot?.cursor.idx ?? null);
  }

  end() {
    this.observer.disconnect();
    this.plot?.destroy();
  }

  renew() {
    this.plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const color = name => style.getPropertyValue(name).trim();
    const axis = {
      stroke: color('--quiet'), font: '12px system-ui, sans-serif',
      grid: {stroke: color('--line'), width: 1}, ticks: {show: false},
    };
    this.plot = new window.uPlot({
      ...this.size(),
      legend: {show: false},
      cursor: {sync: {key: 'herald'}, drag: {x: false, y: false}, points: {size: 6}},
      hooks: {setCursor: [plot => this.tell(plot.cursor.idx)]},
      scales: {y: {range: (plot, min, max) => [0, Math.max(4, max * 1.05)]}},
      series: [{}, ...this.series.map(each => ({
        label: each.label, stroke: color(each.color), width: 2, dash: DASHES[each.dash], points: {show: false},
      }))],
      axes: [
        {...axis, size: 28, values: (plot, times) => times.map(tick)},
        {...axis, size: 48, values: (plot, values) => values.map(value => (Number.isInteger(value) ? number(value) : ''))},
      ],
    }, this.data, this.box);
    this.tell(null);
  }

  size() {
    return {width: Math.max(200, this.element.clientWidth), height: 150};
  }

  /** The legend: the totals, or the values of the minute that is pointed at. */
  tell(index) {
    const parts = this.series.map((each, i) => {
      const values = this.data[i + 1];
      const value = index === null || index === undefined ? values.reduce((sum, n) => sum + n, 0) : values[index];
      const part = document.createElement('span');
      const mark = document.createElement('i');
      mark.className = `mark dash-${each.dash} ${each.color.slice(2)}`;
      part.append(mark, `${each.label} ${number(value ?? 0)}`);
      return part;
    });
    const when = document.createElement('span');
    when.className = 'quiet';
    when.textContent = index === null || index === undefined ? 'in all' : `in the minute at ${clock(new Date(this.data[0][index] * 1000).toISOString())}`;
    this.legend.replaceChildren(...parts, when);
  }
}
