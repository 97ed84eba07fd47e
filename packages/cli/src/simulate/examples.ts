/** Descriptions to begin with, by their names. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  sensors: `// Sensors of a house: cauldron simulate sensors.json
// JSON with comments. Times are "250ms", "10s", "5m", "2h", "1d", or a number of seconds.
{
  "groups": {
    // The name of a group is {group} in its texts.
    "climate": {
      "count": 10,
      // {n} counts from 1. The id is the client id, too.
      "id": "climate-{n}",
      "values": {
        // From step to step a little up or down, and never beyond.
        "temperature": { "walk": [17, 24], "step": 0.2, "digits": 1 },
        "humidity": { "walk": [35, 65], "step": 1, "digits": 0 },
        // From full to empty, and from the beginning again.
        "battery": { "ramp": [100, 5], "over": "30d", "digits": 0 },
        "at": { "time": "seconds" }
      },
      "messages": [
        // A text is the payload as it is; with anything else the payload is JSON. Intervals differ by a tenth
        // unless "jitter" says otherwise.
        { "topic": "house/{id}/temperature", "payload": "{temperature}", "every": "10s", "retain": true },
        {
          "topic": "house/{id}/state",
          "payload": { "humidity": "{humidity}", "battery": "{battery}", "time": "{at}" },
          "every": "1m", "jitter": "10s", "qos": 1
        }
      ],
      // What the broker says when the device is cut off, and the device itself whenever it connects.
      "will": { "topic": "house/{id}/status", "payload": "offline", "qos": 1, "retain": true },
      "birth": { "topic": "house/{id}/status", "payload": "online", "qos": 1, "retain": true },
      // With each message, one chance in 200 that the connection breaks. What is due meanwhile is "lost" or "kept".
      "dropouts": { "probability": 0.005, "for": ["20s", "2m"], "messages": "kept" }
    },
    "light": {
      "values": {
        // As the sun: the highest at its peak (UTC), the lowest twelve hours later.
        "lux": { "day": [0, 20000], "peak": "12:00", "noise": 500, "digits": 0 }
      },
      "messages": [{ "topic": "house/roof/lux", "payload": "{lux}", "every": "5s" }]
    },
    "door": {
      "count": 3,
      "values": {
        // "stay": the chance that it stays as it was.
        "state": { "choice": ["closed", "open"], "weights": [5, 1], "stay": 0.7 },
        "event": { "uuid": "message" }
      },
      "messages": [{ "topic": "house/door/{n}", "payload": { "state": "{state}", "id": "{event}" }, "every": "30s" }]
    }
  }
}
`,
  owntracks: `// People with OwnTracks in Vienna: cauldron simulate owntracks.json --speed 10
{
  "groups": {
    "people": {
      "count": 5,
      "id": "person{n}",
      // For brokers that want to know: "username": "{id}", "password": "secret",
      "values": {
        // Devices go from place to place, rest there, and go on. Speeds in km/h.
        "position": {
          "map": {
            "lat": [48.180, 48.230], "lon": [16.330, 16.420],
            "speed": [4, 45],
            "rest": ["1m", "15m"],
            "regions": [
              { "name": "Home", "lat": 48.2085, "lon": 16.3731, "radius": 250 },
              { "name": "Work", "lat": 48.1951, "lon": 16.3483, "radius": 200 }
            ]
          }
        },
        "battery": { "ramp": [100, 8], "over": "16h", "digits": 0 },
        "network": { "choice": ["w", "m"], "weights": [1, 3], "stay": 0.9 },
        "now": { "time": "seconds" }
      },
      "messages": [
        {
          "topic": "owntracks/{id}/phone",
          "every": "30s", "qos": 1, "retain": true,
          // A text that is nothing but a value keeps its type: numbers stay numbers.
          "payload": {
            "_type": "location",
            "tid": "{tid}",
            "tst": "{now}",
            "lat": "{position.lat}", "lon": "{position.lon}",
            "acc": "{position.accuracy}", "alt": "{position.altitude}",
            "vel": "{position.speed}", "cog": "{position.course}",
            "batt": "{battery}", "conn": "{network}"
          }
        },
        // Published when a region is entered or left, instead of by the clock.
        {
          "topic": "owntracks/{id}/phone/event",
          "on": "position", "qos": 1,
          "payload": {
            "_type": "transition",
            "event": "{position.event}", "desc": "{position.region}",
            "tid": "{tid}", "tst": "{now}",
            "lat": "{position.lat}", "lon": "{position.lon}", "acc": "{position.accuracy}"
          }
        }
      ],
      // A telephone in a tunnel: it publishes afterwards what it could not.
      "dropouts": { "probability": 0.02, "for": ["30s", "3m"], "messages": "kept" }
    }
  }
}
`,
  fleet: `// A thousand vehicles, for load: cauldron simulate fleet.json
{
  "groups": {
    "truck": {
      "count": 800,
      "id": "truck-{n}",
      "values": {
        "position": {
          "map": { "lat": [47.9, 48.4], "lon": [15.9, 16.9], "speed": [30, 110], "rest": ["2m", "40m"] }
        },
        "fuel": { "ramp": [100, 10], "over": "12h" },
        "engine": { "walk": [80, 98], "step": 1, "digits": 0 },
        "number": { "counter": 1 }
      },
      "messages": [
        {
          "topic": "fleet/{id}/position",
          "every": "5s",
          "payload": {
            "n": "{number}",
            "lat": "{position.lat}", "lon": "{position.lon}",
            "kmh": "{position.speed}", "course": "{position.course}"
          }
        },
        { "topic": "fleet/{id}/engine", "every": "15s", "payload": { "fuel": "{fuel}", "celsius": "{engine}" }, "qos": 1 }
      ],
      "will": { "topic": "fleet/{id}/online", "payload": "0", "qos": 1, "retain": true },
      "birth": { "topic": "fleet/{id}/online", "payload": "1", "qos": 1, "retain": true },
      "dropouts": { "probability": 0.001, "for": ["10s", "1m"] }
    },
    "depot": {
      "count": 200,
      "values": { "gate": { "choice": ["open", "closed"], "stay": 0.9 }, "queue": { "walk": [0, 12], "step": 2, "digits": 0 } },
      "messages": [
        { "topic": "depots/{n}/gate", "payload": "{gate}", "every": "20s", "retain": true },
        { "topic": "depots/{n}/queue", "payload": "{queue}", "every": "10s" }
      ]
    }
  }
}
`,
};
