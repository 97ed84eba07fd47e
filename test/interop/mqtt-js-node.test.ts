import { describeSubject } from './matrix.js';
import { MQTT_JS } from './mqtt-js/mqtt-js.js';

describeSubject(MQTT_JS);
