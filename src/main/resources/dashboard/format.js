// Numbers and times in words.

import {h} from './dom.js';

const NUMBER = new Intl.NumberFormat('en');
const TIME = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit', second: '2-digit'});
const MINUTE = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit'});
const DATE = new Intl.DateTimeFormat('en-GB', {day: 'numeric', month: 'short'});
const DAY = new Intl.DateTimeFormat('en-GB', {day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit'});
const FULL = new Intl.DateTimeFormat('en-GB', {dateStyle: 'full', timeStyle: 'long'});

/** How far the node's clock is ahead of this one, in milliseconds. */
let ahead = 0;

/** Takes the node's time for the time: ages are told by its clock. */
export function setClock(iso) {
  const time = Date.parse(iso);
  if (!Number.isNaN(time)) {
    ahead = time - Date.now();
  }
}

export const now = () => Date.now() + ahead;

export const number = value => NUMBER.format(value);

/** "1 message", "3 messages". */
export const counted = (value, one, many = one + 's') => `${number(value)} ${value === 1 ? one : many}`;

/** With a capital letter and a full stop. */
export const sentence = text => text && text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');

/** A duration in its largest units: "45 s", "4 min", "2 h 5 min", "3 days". */
export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) {
    return `${s} s`;
  }
  const minutes = Math.round(s / 60);
  if (minutes < 120) {
    return `${minutes} min`;
  }
  const hours = Math.floor(minutes / 60);
  if (hours < 48) {
    return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  }
  return `${number(Math.round(hours / 24))} days`;
}

/** A time of today as a time, another with its date. */
export function clock(iso) {
  const time = new Date(iso);
  return (time.toDateString() === new Date(now()).toDateString() ? TIME : DAY).format(time);
}

/** For an axis: "14:30", and the date at midnight. */
export function tick(seconds) {
  const at = new Date(seconds * 1000);
  return at.getHours() + at.getMinutes() === 0 ? DATE.format(at) : MINUTE.format(at);
}

/** "4 min ago", or "in 4 min". */
export function ago(iso) {
  const seconds = (now() - Date.parse(iso)) / 1000;
  if (Math.abs(seconds) < 1.5) {
    return 'now';
  }
  return seconds > 0 ? `${duration(seconds)} ago` : `in ${duration(-seconds)}`;
}

/** A time as an element that shows all of it when pointed at. */
export const time = (iso, text = clock(iso)) => h('time', {datetime: iso, title: FULL.format(new Date(iso))}, text);
