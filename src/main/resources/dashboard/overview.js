// Is it flowing, and what needs you?

import {call} from './api.js';
import {many} from './bulk.js';
import {chart} from './charts.js';
import {ask} from './dialog.js';
import {h} from './dom.js';
import {ago, clock, counted, duration, number, sentence, time} from './format.js';

const RANGES = [[60, 'the last hour'], [180, 'the last 3 hours'], [720, 'the last 12 hours'], [2880, 'the last 2 days']];
const LATE = 60;
/** The call takes no longer text to look for. */
const LONGEST_ERROR = 200;

let activity = null;
let minutes = 180;

const TITLES = {
  DELIVERY_OFF: 'Delivery is off',
  UNKNOWN_MESSAGES: 'Messages of unknown outcome',
  FAILED_RECENTLY: 'Failed messages',
  CIRCUIT_OPEN: 'The provider is down',
  ROUTE_STOPPED: 'A route is stopped',
  LATE_BACKLOG: 'Messages are late',
  FLOWS_DIFFER: 'The nodes run different flows',
  FLOW_REFUSED: 'An edit of the flow was refused',
  NODE_GONE: 'A node is gone',
  NODE_PROBLEM: 'A node has a problem',
};

export function forget() {
  activity = null;
}

export function polls() {
  return [{name: `activity-${minutes}`, every: 10, run: loadActivity}];
}

async function loadActivity() {
  const wanted = minutes;
  const answer = await call('GET', 'api/v1/messages/activity', {query: {minutes: wanted}});
  if (wanted === minutes) {
    activity = answer;
  }
}

export function render(app) {
  return [
    h('h1', {id: 'title', class: 'unseen', tabindex: '-1'}, 'Overview'),
    strip(app),
    h('div', {class: 'columns'}, needs(app), curves(app)),
    nodes(app),
  ];
}

// The strip.

function strip(app) {
  const {scheduler, stats, nodes: list} = app.overview;
  return h('section', {class: 'strip', 'aria-label': 'At a glance'},
    delivery(app, scheduler),
    fact('Oldest due', stats.dueNow > 0 ? duration(stats.oldestDueAgeSeconds) : 'none',
      stats.dueNow > 0 && stats.oldestDueAgeSeconds > LATE ? 'warn' : '',
      stats.dueNow > 0 ? 'how long it has waited' : 'no message is due'),
    fact('Due now', number(stats.dueNow), '', waiting(stats)),
    fact('Time to drain', ...drain(stats, scheduler)),
    fact('Nodes', ...nodesInWords(list)),
    byStatus(stats));
}

function delivery(app, scheduler) {
  const {running, changedAt, changedBy, reason, nextBatchAt} = scheduler;
  return h('div', {class: `fact delivery ${running ? 'good' : 'bad'}`},
    h('h2', {}, 'Delivery'),
    h('p', {class: 'value'}, h('span', {'aria-hidden': 'true'}, running ? '● ' : '■ '), running ? 'On' : 'Off'),
    h('p', {}, 'since ', time(changedAt), ` (${ago(changedAt)})`, changedBy && `, by ${changedBy}`, reason && [': ', h('q', {}, reason)]),
    running && nextBatchAt && h('p', {}, `next batch ${ago(nextBatchAt)}`),
    running
      ? h('button', {key: 'stop', class: 'danger', onclick: () => stop(app)}, 'Stop delivery')
      : h('button', {key: 'start', class: 'primary', onclick: () => start(app)}, 'Start delivery'));
}

const fact = (name, value, kind, text) => h('div', {class: `fact ${kind}`},
  h('h2', {}, name), h('p', {class: 'value'}, value), h('p', {}, text));

function waiting({byStatus: counts, dueNow}) {
  const later = Math.max(0, (counts.PENDING ?? 0) - dueNow);
  return later > 0 ? `and ${number(later)} that wait for their time` : 'no other message waits';
}

function drain({dueNow, sentPerMinute}, scheduler) {
  if (dueNow === 0) {
    return ['0 s', '', 'nothing is due'];
  }
  if (!scheduler.running) {
    return ['never', 'warn', 'delivery is off'];
  }
  if (sentPerMinute === 0) {
    return ['unknown', 'warn', 'none was sent in the last minute'];
  }
  return [`about ${duration(dueNow / sentPerMinute * 60)}`, '', `at ${number(sentPerMinute)} sent a minute`];
}

function nodesInWords(list) {
  const up = list.filter(node => node.status === 'UP' || node.status === 'DEGRADED');
  const ill = list.length - list.filter(node => node.status === 'UP').length;
  const flows = new Set(up.map(node => node.flow)).size;
  return [
    `${number(up.length)} up`,
    ill > 0 || flows > 1 ? 'warn' : '',
    [ill > 0 && `${number(ill)} with a problem`, up.length > 1 && (flows > 1 ? 'their flows differ' : 'all run the same flow')]
      .filter(Boolean).join('; ') || 'no problem',
  ];
}

function byStatus({byStatus: counts, delivery: receipts}) {
  const shown = ['PENDING', 'SENDING', 'SENT', 'FAILED', 'UNKNOWN', 'EXPIRED', 'CANCELLED'];
  return h('nav', {class: 'counts', 'aria-label': 'Messages by status'},
    shown.map(status =>
      h('a', {key: status, class: counts[status] > 0 ? `status ${status}` : 'status none', href: `#/messages?status=${status}`},
        h('span', {class: 'name'}, status.toLowerCase()), ' ', h('b', {}, number(counts[status])))),
    receipts.delivered + receipts.undelivered + receipts.missing > 0 && h('span', {class: 'quiet', key: 'receipts'},
      `receipts: ${number(receipts.delivered)} delivered, ${number(receipts.undelivered)} not, ${number(receipts.missing)} missing`));
}

async function stop(app) {
  const answer = await ask({
    title: 'Stop delivery on every node?',
    text: ['Messages are still accepted, and wait. Those that are being sent finish. It stays off until somebody starts it.'],
    fields: [{name: 'reason', label: 'Why? Others will read it.'}],
    confirm: 'Stop delivery',
    kind: 'danger',
  });
  if (answer) {
    await app.call('POST', 'api/v1/scheduler/stop', {body: answer.reason ? {reason: answer.reason} : undefined}, 'Delivery is off on every node.');
  }
}

const start = app => app.call('POST', 'api/v1/scheduler/start', {}, 'Delivery is on, on every node.');

// What needs you.

function needs(app) {
  const list = app.overview.needs;
  return h('section', {class: 'card needs', 'aria-labelledby': 'needs-title'},
    h('h2', {id: 'needs-title'}, 'Needs you'),
    list.length === 0
      ? h('p', {class: 'fine'}, h('span', {'aria-hidden': 'true'}, '✓ '), 'Nothing needs you.')
      : h('ol', {}, list.map(need => one(app, need))));
}

function one(app, need) {
  const {code, node, count, detail, since, reasons = [], action} = need;
  return h('li', {key: `${code} ${node ?? ''}`},
    h('h3', {}, TITLES[code] ?? code, node && ` (${node})`, count > 0 && h('span', {class: 'badge'}, number(count))),
    h('p', {}, sentence(detail), since && [' Since ', time(since), ` (${ago(since)}).`]),
    reasons.length > 0 && h('ul', {class: 'reasons'}, reasons.map(({error, messages}) =>
      h('li', {key: error}, h('b', {}, number(messages)), ' ', h('span', {class: 'error'}, error),
        h('button', {class: 'small', onclick: () => many(app, 'retry', {status: 'FAILED', error: error.slice(0, LONGEST_ERROR)})}, 'Send again …')))),
    h('p', {class: 'quiet'}, h('span', {'aria-hidden': 'true'}, '→ '), sentence(action)),
    h('div', {class: 'buttons'}, buttons(app, need)));
}

function buttons(app, need) {
  const button = (text, onclick) => h('button', {key: text, class: 'small', onclick}, text);
  const link = (text, href) => h('a', {key: text, class: 'button small', href}, text);
  switch (need.code) {
    case 'DELIVERY_OFF':
      return [button('Start delivery', () => start(app))];
    case 'UNKNOWN_MESSAGES':
      return [link('Show them', '#/messages?status=UNKNOWN'), button('Send them again …', () => many(app, 'retry', {status: 'UNKNOWN'}))];
    case 'FAILED_RECENTLY':
      return [link('Show them', '#/messages?status=FAILED'), button('Send all again …', () => many(app, 'retry', {status: 'FAILED'}))];
    case 'LATE_BACKLOG':
    case 'CIRCUIT_OPEN':
      return [link('Show what waits', '#/messages?status=PENDING')];
    case 'ROUTE_STOPPED':
      return need.node === app.overview.node.name
        ? [button('Start it …', () => startRoutes(app)), link('Show the flow', '#/flow')]
        : [h('span', {key: 'other', class: 'quiet'}, 'Start it on the page of that node.')];
    case 'FLOWS_DIFFER':
    case 'FLOW_REFUSED':
      return [link('Show the flow', '#/flow')];
    default:
      return [];
  }
}

/** Starts every route of this node that is stopped. */
async function startRoutes(app) {
  const list = await app.call('GET', 'api/v1/routes');
  const stopped = list?.items.filter(route => route.state !== 'Started') ?? [];
  const sure = stopped.length > 0 && await ask({
    title: `Start ${counted(stopped.length, 'route')} on this node?`,
    text: stopped.map(route => `${route.id}: ${route.description}`),
    confirm: 'Start',
  });
  if (sure) {
    for (const {id} of stopped) {
      await app.call('POST', `api/v1/routes/${encodeURIComponent(id)}/start`, {}, `Route ${id} is started on this node.`);
    }
  }
}

// The curves.

function curves(app) {
  const range = RANGES.find(([length]) => length === minutes)[1];
  return h('section', {class: 'card curves', 'aria-labelledby': 'curves-title'},
    h('div', {class: 'row'},
      h('h2', {id: 'curves-title'}, 'Messages a minute'),
      h('label', {class: 'unseen', for: 'range'}, 'Time shown'),
      h('select', {id: 'range', value: String(minutes), onchange: event => {
        minutes = Number(event.target.value);
        app.refresh();
      }}, RANGES.map(([length, text]) => h('option', {value: String(length)}, text)))),
    activity ? drawn(activity, range) : h('p', {class: 'quiet'}, 'Asking for the counts …'));
}

function drawn({from, stepSeconds, accepted, sent, failed, unknown}, range) {
  const first = Date.parse(from) / 1000;
  const times = sent.map((value, i) => first + i * stepSeconds);
  const sum = values => values.reduce((total, value) => total + value, 0);
  const most = Math.max(0, ...sent);
  return [
    chart('flowing', [{label: 'accepted', color: '--accepted', dash: 1}, {label: 'sent', color: '--sent', dash: 0}], [times, accepted, sent]),
    chart('failing', [{label: 'failed', color: '--failed', dash: 2}, {label: 'unknown', color: '--unknown', dash: 3}], [times, failed, unknown]),
    h('details', {key: 'text'},
      h('summary', {}, 'The same in words and numbers'),
      h('p', {}, `In ${range}: ${number(sum(accepted))} accepted, ${number(sum(sent))} sent, ${number(sum(failed))} failed, ${number(sum(unknown))} unknown.`,
        most > 0 && ` The most sent in one minute: ${number(most)}.`),
      table(times, stepSeconds, {accepted, sent, failed, unknown})),
  ];
}

/** Twelve rows at most, whatever the range. */
function table(times, stepSeconds, series) {
  const size = Math.ceil(times.length / 12);
  const rows = [];
  for (let i = 0; i < times.length; i += size) {
    const cells = Object.values(series).map(values => values.slice(i, i + size).reduce((total, value) => total + value, 0));
    rows.push(h('tr', {key: times[i]}, h('th', {scope: 'row'}, clock(new Date(times[i] * 1000).toISOString())), cells.map(cell => h('td', {}, number(cell)))));
  }
  return h('table', {},
    h('caption', {}, `Messages in each ${duration(size * stepSeconds)}`),
    h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'from'), Object.keys(series).map(name => h('th', {scope: 'col'}, name)))),
    h('tbody', {}, rows));
}

// The nodes.

function nodes(app) {
  const list = app.overview.nodes;
  return h('section', {class: 'card', 'aria-labelledby': 'nodes-title'},
    h('h2', {id: 'nodes-title'}, 'Nodes'),
    h('ul', {class: 'nodes'}, list.map(node => h('li', {key: `${node.name} ${node.startedAt}`},
      h('span', {class: `pill ${{UP: 'good', DEGRADED: 'warn'}[node.status] ?? 'bad'}`}, node.status),
      ' ', h('b', {}, node.name), node.name === app.overview.node.name && node.status !== 'GONE' && ' (this one)',
      h('span', {class: 'quiet'}, ` version ${node.version}, flow `, h('code', {}, node.flow.slice(0, 12)),
        ', started ', time(node.startedAt), node.status === 'GONE' && [', last seen ', time(node.seenAt)]),
      node.problems.length > 0 && h('ul', {}, node.problems.map(problem => h('li', {}, sentence(problem))))))));
}
