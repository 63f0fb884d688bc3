// A picture of routes that call each other: columns from caller to called where there is room, else a list with indents.

import {h} from './dom.js';
import {number} from './format.js';

const HEIGHT = 76;
const GAP = 14;
const BETWEEN = 40;
const NARROWEST = 180;
const WIDEST = 300;
const INDENT = 22;

let width = 0;
let observer = null;

/**
 * @param choose is called with the id of a route that was pressed
 * @param redraw is called when there is more room, or less
 */
export function picture(routes, chosen, choose, redraw) {
  const {boxes, height} = place(routes, (width || 900) - 2);
  return h('div', {class: 'picture', key: 'picture', mounted: element => watch(element, redraw)},
    h('svg', {width: '100%', height: String(height), role: 'group', 'aria-label': 'Routes and their calls'},
      h('g', {class: 'edges', 'aria-hidden': 'true'}, edges(routes, boxes)),
      [...boxes.values()].map(box => node(box, chosen, choose))));
}

function watch(element, redraw) {
  observer?.disconnect();
  observer = new ResizeObserver(() => {
    const wide = element.clientWidth;
    if (wide !== width) {
      width = wide;
      redraw();
    }
  });
  observer.observe(element);
}

/** Where each route stands: those that are connected in layers by their calls, the others side by side below. */
function place(routes, room) {
  const known = new Map(routes.map(route => [route.id, route]));
  const calls = new Map(routes.map(route => [route.id, (route.calls ?? []).filter(id => known.has(id) && id !== route.id)]));
  const callers = new Map(routes.map(route => [route.id, []]));
  calls.forEach((called, id) => called.forEach(other => callers.get(other).push(id)));
  const boxes = new Map();
  const done = new Set();
  let bottom = 0;
  const alone = [];
  const groups = [];
  for (const {id} of routes) {
    if (!done.has(id)) {
      const group = connected(id, calls, callers, done);
      (group.length === 1 ? alone : groups).push(group);
    }
  }
  const columns = Math.max(1, Math.floor((room + BETWEEN) / (NARROWEST + BETWEEN)));
  const wide = count => Math.min(WIDEST, (room + BETWEEN) / count - BETWEEN);
  groups.sort((one, other) => importance(other, known) - importance(one, known));
  for (const group of groups) {
    const layers = layered(group, calls, callers);
    const deep = Math.max(...layers.values()) + 1;
    if (deep <= columns) {
      const w = wide(Math.max(deep, Math.min(columns, 4)));
      const next = [];
      for (const id of inOrder(group, layers, callers)) {
        const layer = layers.get(id);
        const row = next[layer] ?? 0;
        next[layer] = row + 1;
        boxes.set(id, {route: known.get(id), x: layer * (w + BETWEEN), y: bottom + row * (HEIGHT + GAP), w});
      }
      bottom += Math.max(...next.filter(Boolean)) * (HEIGHT + GAP);
    } else {
      for (const id of inDepth(group, layers, calls)) {
        const x = layers.get(id) * INDENT;
        boxes.set(id, {route: known.get(id), x, y: bottom, w: Math.min(1.5 * WIDEST, room - x), indented: true});
        bottom += HEIGHT + GAP;
      }
    }
  }
  const w = columns === 1 ? room : wide(columns);
  alone.flat().forEach((id, i) => {
    boxes.set(id, {route: known.get(id), x: (i % columns) * (w + BETWEEN), y: bottom + Math.floor(i / columns) * (HEIGHT + GAP), w});
  });
  return {boxes, height: Math.max(HEIGHT, ...[...boxes.values()].map(box => box.y + HEIGHT)) + 2};
}

/** The way of a message first. */
const importance = (group, known) => group.filter(id => ['claim', 'delivery'].includes(known.get(id).group)).length * 100 + group.length;

function connected(id, calls, callers, done) {
  const group = [];
  const waiting = [id];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (!done.has(next)) {
      done.add(next);
      group.push(next);
      waiting.push(...calls.get(next), ...callers.get(next));
    }
  }
  return group.sort();
}

/** The longest way from a route that nobody calls; a circle ends where it comes back. */
function layered(group, calls, callers) {
  const layers = new Map();
  const visit = (id, layer, path) => {
    if (path.includes(id) || (layers.get(id) ?? -1) >= layer) {
      return;
    }
    layers.set(id, layer);
    calls.get(id).forEach(called => visit(called, layer + 1, [...path, id]));
  };
  const roots = group.filter(id => callers.get(id).length === 0);
  (roots.length > 0 ? roots : [group[0]]).forEach(id => visit(id, 0, []));
  group.forEach(id => layers.has(id) || layers.set(id, 0));
  return layers;
}

/** By layer, and within one near those that call it. */
function inOrder(group, layers, callers) {
  const rank = new Map();
  const sorted = [];
  for (let layer = 0; sorted.length < group.length; layer++) {
    const here = group.filter(id => layers.get(id) === layer);
    const weight = id => {
      const above = callers.get(id).map(caller => rank.get(caller)).filter(value => value !== undefined);
      return above.length > 0 ? above.reduce((sum, value) => sum + value, 0) / above.length : 0;
    };
    here.sort((one, other) => weight(one) - weight(other) || one.localeCompare(other));
    here.forEach((id, i) => rank.set(id, i));
    sorted.push(...here);
  }
  return sorted;
}

/** Each route below the last that calls it. */
function inDepth(group, layers, calls) {
  const sorted = [];
  const visit = id => {
    if (!sorted.includes(id)) {
      sorted.push(id);
      calls.get(id).filter(called => layers.get(called) === layers.get(id) + 1).forEach(visit);
    }
  };
  group.filter(id => layers.get(id) === 0).forEach(visit);
  group.forEach(visit);
  return sorted;
}

function edges(routes, boxes) {
  return routes.flatMap(route => (route.calls ?? []).filter(id => boxes.has(id) && id !== route.id).map(id => {
    const from = boxes.get(route.id);
    const to = boxes.get(id);
    const y = to.y + HEIGHT / 2;
    const line = to.indented
      ? `M${from.x + INDENT / 2},${from.y + HEIGHT} V${y} H${to.x - 5}`
      : `M${from.x + from.w},${from.y + HEIGHT / 2} C${from.x + from.w + BETWEEN / 2},${from.y + HEIGHT / 2} ${to.x - BETWEEN / 2},${y} ${to.x - 5},${y}`;
    return h('g', {key: `${route.id} ${id}`},
      h('path', {d: line, class: 'edge'}),
      h('path', {d: `M${to.x - 7},${y - 4} L${to.x},${y} L${to.x - 7},${y + 4} Z`, class: 'head'}));
  }));
}

function node({route, x, y, w}, chosen, choose) {
  const state = route.state === 'Started' ? 'started' : 'stopped';
  const failed = route.exchangesFailed > 0 ? `, ${number(route.exchangesFailed)} failed` : '';
  const pressed = chosen === route.id;
  const length = Math.floor((w - 20) / 6.6);
  const lines = wrapped(route.description ?? '', length);
  return h('g', {
    key: route.id, class: `node ${state} ${pressed ? 'chosen' : ''}`, transform: `translate(${x + 1},${y + 1})`,
    role: 'button', tabindex: '0', 'aria-pressed': String(pressed),
    'aria-label': `${route.id}: ${route.description ?? ''}. ${route.state}, ${number(route.exchangesTotal)} done${failed}`,
    onclick: () => choose(route.id),
    onkeydown: event => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        choose(route.id);
      }
    },
  },
    h('rect', {width: String(w), height: String(HEIGHT), rx: '8'}),
    h('text', {x: '10', y: '19', class: 'name'}, `${state === 'stopped' ? '■ ' : ''}${short(route.id, length)}`),
    lines.map((line, i) => h('text', {x: '10', y: String(35 + i * 14)}, line)),
    h('text', {x: '10', y: '68', class: 'count'}, state === 'stopped'
      ? route.state.toLowerCase()
      : `${number(route.exchangesTotal)} done${failed}`));
}

const short = (text, length) => (text.length > length ? text.slice(0, length - 1) + '…' : text);

/** One line, or two. */
function wrapped(text, length) {
  if (text.length <= length) {
    return [text];
  }
  const space = text.lastIndexOf(' ', length);
  const end = space > 0 ? space : length;
  return [text.slice(0, end), short(text.slice(end).trim(), length)];
}
