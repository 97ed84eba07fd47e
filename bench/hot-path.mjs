// The yardstick of `npm run bench`: the techniques of the broker's hot path in their smallest form, and NOT a broker. It has
// no sessions, no checks, no limits and no back-pressure, so it shows what a socket, Node and a copy cost on this machine.
// The product is measured beside it in the same run: the ratio of the two survives a change of machine, a bare figure does not.
//   node hot-path.mjs PORT        MQTT 3.1.1 and 5 without properties, exact filters and prefix/#, QoS 0, 1, 2
import net from 'node:net';

const CHUNK = 65536;
const SMALL = 96; // below this a JavaScript loop beats the call into Buffer.copy
const pool = []; // output chunks that nobody uses: an idle connection has none
const dirty = []; // connections with unsent output in this read batch
const exact = new Map(); // filter -> subscriptions
const prefixes = []; // subscriptions to `prefix/#`
let version = 1; // raised by every change of subscriptions; routes of an older version are worked out again
let lastSubscriptionId = 0;

// ---- routes: topic bytes -> targets. No string is made for a known topic. -------------------------------------------
// Equal target lists are one object. So a run of frames whose targets are the same object can be copied as one piece,
// even when their topics differ.
const interned = new Map();
const table = new Array(1 << 17).fill(null); // open addressing; a product bounds it

class Route {
  constructor(bytes, hash, topic) {
    this.bytes = bytes;
    this.hash = hash;
    this.topic = topic;
    this.version = 0;
    this.targets = null;
  }
}

function refresh(route) {
  const found = [...(exact.get(route.topic) ?? [])];
  for (const s of prefixes) if (route.topic.startsWith(s.prefix)) found.push(s);
  const key = found.map((s) => s.id).join();
  let targets = interned.get(key);
  if (targets === undefined) interned.set(key, (targets = found));
  route.targets = targets;
  route.version = version;
}

function routeOf(chunk, start, length) {
  const end = start + length;
  let hash = length;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + chunk[i]) | 0;
  hash ^= hash >>> 15;
  let slot = hash & (table.length - 1);
  for (let route; (route = table[slot]) !== null; slot = (slot + 1) & (table.length - 1)) {
    if (route.hash !== hash || route.bytes.length !== length) continue;
    const bytes = route.bytes;
    let i = 0;
    while (i < length && bytes[i] === chunk[start + i]) i++;
    if (i < length) continue;
    if (route.version !== version) refresh(route);
    return route;
  }
  const route = new Route(Uint8Array.prototype.slice.call(chunk, start, end), hash, chunk.latin1Slice(start, end));
  table[slot] = route;
  refresh(route);
  return route;
}

class Connection {
  constructor() {
    this.socket = null;
    this.open = true;
    this.level = 4;
    this.rest = null; // the incomplete frame at the end of the last read
    this.out = null;
    this.outLength = 0;
    this.isDirty = false;
    this.nextId = 1;
    this.inflight = 0;
    this.runTargets = null; // the run: adjacent PUBLISH frames with one header byte and one target list
    this.runHeader = 0;
    this.runStart = 0;
    this.runEnd = 0;
    this.runIds = []; // offsets of the packet ids in the run
  }

  read(chunk) {
    if (this.rest !== null) {
      chunk = Buffer.concat([this.rest, chunk]);
      this.rest = null;
    }
    const end = chunk.length;
    let frame = 0;
    while (frame + 2 <= end) {
      let body = frame + 1;
      let length = chunk[body++];
      if (length > 127) {
        let shift = 7;
        let byte = 128;
        length &= 127;
        while (byte > 127 && body < end) {
          byte = chunk[body++];
          length += (byte & 127) << shift;
          shift += 7;
        }
        if (byte > 127) break;
      }
      const next = body + length;
      if (next > end) break;
      const header = chunk[frame];
      if (header >> 4 === 3) this.publish(chunk, frame, header, body, next);
      else this.control(chunk, header, body, next);
      frame = next;
    }
    this.endRun(chunk);
    // The read buffer is shared by all connections, so what stays is copied: only ever an incomplete frame.
    if (frame < end) this.rest = Buffer.from(chunk.subarray(frame));
    for (let i = 0; i < dirty.length; i++) dirty[i].flush();
    dirty.length = 0;
  }

  publish(chunk, frame, header, body, next) {
    const topicLength = (chunk[body] << 8) | chunk[body + 1];
    const targets = routeOf(chunk, body + 2, topicLength).targets;
    const qos = (header >> 1) & 3;
    if (this.runTargets !== targets || this.runHeader !== header || this.runEnd !== frame) {
      this.endRun(chunk);
      this.runTargets = targets;
      this.runHeader = header;
      this.runStart = frame;
    }
    this.runEnd = next;
    if (qos === 0) return;
    const id = body + 2 + topicLength;
    this.runIds.push(id);
    this.room(4);
    const out = this.out;
    let w = this.outLength;
    out[w++] = qos === 1 ? 0x40 : 0x50;
    out[w++] = 2;
    out[w++] = chunk[id];
    out[w++] = chunk[id + 1];
    this.outLength = w;
  }

  endRun(chunk) {
    const targets = this.runTargets;
    if (targets === null) return;
    this.runTargets = null;
    const { runStart: start, runEnd: end, runIds: ids } = this;
    const length = end - start;
    for (let k = 0; k < targets.length; k++) {
      const to = targets[k].connection;
      if (length > CHUNK) {
        to.writeOut();
        if (to.open) to.socket.write(Buffer.from(chunk.subarray(start, end)));
        continue;
      }
      to.room(length);
      const out = to.out;
      const at = to.outLength;
      if (length < SMALL) for (let i = 0; i < length; i++) out[at + i] = chunk[start + i];
      else chunk.copy(out, at, start, end);
      to.outLength = at + length;
      for (let i = 0; i < ids.length; i++) {
        const id = to.nextId;
        to.nextId = id === 65535 ? 1 : id + 1;
        const w = at + ids[i] - start;
        out[w] = id >> 8;
        out[w + 1] = id & 255;
      }
      to.inflight += ids.length;
    }
    ids.length = 0;
  }

  control(chunk, header, body, next) {
    switch (header >> 4) {
      case 4: // PUBACK
      case 7: // PUBCOMP
        this.inflight--;
        return;
      case 5: // PUBREC -> PUBREL
        this.four(0x62, chunk[body], chunk[body + 1]);
        return;
      case 6: // PUBREL -> PUBCOMP
        this.four(0x70, chunk[body], chunk[body + 1]);
        return;
    }
    this.endRun(chunk);
    switch (header >> 4) {
      case 1:
        this.level = chunk[body + 6];
        this.send(this.level === 5 ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0]);
        return;
      case 8: {
        const codes = [];
        let p = body + (this.level === 5 ? 3 : 2);
        while (p < next) {
          const length = (chunk[p] << 8) | chunk[p + 1];
          const filter = chunk.latin1Slice(p + 2, p + 2 + length);
          p += 2 + length;
          const qos = chunk[p++] & 3;
          codes.push(qos);
          const subscription = { id: ++lastSubscriptionId, connection: this, qos, prefix: filter.slice(0, -1) };
          if (filter.endsWith('#')) prefixes.push(subscription);
          else exact.set(filter, [...(exact.get(filter) ?? []), subscription]);
          version++;
        }
        const v5 = this.level === 5 ? [0] : [];
        this.send([0x90, 2 + v5.length + codes.length, chunk[body], chunk[body + 1], ...v5, ...codes]);
        return;
      }
      case 12:
        this.send([0xd0, 0]);
        return;
      case 14:
        this.socket.end();
    }
  }

  four(header, high, low) {
    this.room(4);
    const out = this.out;
    let w = this.outLength;
    out[w++] = header;
    out[w++] = 2;
    out[w++] = high;
    out[w++] = low;
    this.outLength = w;
  }

  send(bytes) {
    this.room(bytes.length);
    for (const b of bytes) this.out[this.outLength++] = b;
  }

  room(length) {
    if (this.out !== null && this.outLength + length > CHUNK) this.writeOut();
    if (this.out === null) this.out = pool.pop() ?? Buffer.allocUnsafeSlow(CHUNK);
    if (!this.isDirty) {
      this.isDirty = true;
      dirty.push(this);
    }
  }

  flush() {
    this.isDirty = false;
    this.writeOut();
  }

  writeOut() {
    const out = this.out;
    if (out === null) return;
    this.out = null;
    if (this.open) this.socket.write(out.subarray(0, this.outLength));
    this.outLength = 0;
    // writableLength 0: the kernel took all of it at once, so the chunk is free again, without a callback per write.
    if (!this.open || this.socket.writableLength === 0) pool.push(out);
  }
}

// One read buffer for all connections: nothing is allocated for a read. The handle moves into a socket made with `onread`
// (public for outgoing sockets only: a product needs a feature test and the plain 'data' event as its fallback).
const readBuffer = Buffer.allocUnsafeSlow(CHUNK);
net
  .createServer({ noDelay: true }, (accepted) => {
    const connection = new Connection();
    const handle = accepted._handle;
    accepted._handle = null;
    const callback = (length) => {
      connection.read(readBuffer.subarray(0, length));
      return true;
    };
    const socket = new net.Socket({ handle, readable: true, writable: true, onread: { buffer: readBuffer, callback } });
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => {
      connection.open = false;
    });
    connection.socket = socket;
    socket.resume();
  })
  .listen(Number(process.argv[2]), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
