import type { Statement } from './statement.js';

/** The mandatory normative statements of the OASIS Standard MQTT Version 5.0, in our words, in the order of their ids. */
export const MQTT_5_0: readonly Statement[] = [
  {
    id: 'MQTT-1.5.4-1',
    binds: 'both',
    wording:
      'String data MUST be well-formed UTF-8 and MUST NOT include encodings of code points between U+D800 and U+DFFF.',
  },
  {
    id: 'MQTT-1.5.4-2',
    binds: 'both',
    wording: 'A UTF-8 Encoded String MUST NOT include an encoding of the null character U+0000.',
  },
  {
    id: 'MQTT-1.5.4-3',
    binds: 'both',
    wording:
      'The sequence 0xEF 0xBB 0xBF always means U+FEFF wherever it appears in a string, and a packet receiver MUST NOT skip or strip it.',
  },
  {
    id: 'MQTT-1.5.5-1',
    binds: 'both',
    wording: 'A Variable Byte Integer MUST be encoded in the minimum number of bytes necessary.',
  },
  {
    id: 'MQTT-1.5.7-1',
    binds: 'both',
    wording: 'Both strings of a UTF-8 String Pair MUST comply with the requirements for UTF-8 Encoded Strings.',
  },
  {
    id: 'MQTT-2.1.3-1',
    binds: 'both',
    wording: 'Fixed-header flag bits marked Reserved MUST be set to the values listed.',
  },
  { id: 'MQTT-2.2.1-2', binds: 'both', wording: 'A PUBLISH with QoS 0 MUST NOT contain a Packet Identifier.' },
  {
    id: 'MQTT-2.2.1-3',
    binds: 'client',
    wording:
      'Each time a Client sends a new SUBSCRIBE, UNSUBSCRIBE or QoS > 0 PUBLISH it MUST assign it a non-zero Packet Identifier that is currently unused.',
  },
  {
    id: 'MQTT-2.2.1-4',
    binds: 'server',
    wording:
      'Each time a Server sends a new QoS > 0 PUBLISH it MUST assign it a non-zero Packet Identifier that is currently unused.',
  },
  {
    id: 'MQTT-2.2.1-5',
    binds: 'both',
    wording: 'A PUBACK, PUBREC, PUBREL or PUBCOMP MUST contain the same Packet Identifier as the original PUBLISH.',
  },
  {
    id: 'MQTT-2.2.1-6',
    binds: 'server',
    wording: 'A SUBACK or UNSUBACK MUST contain the Packet Identifier of the corresponding SUBSCRIBE or UNSUBSCRIBE.',
  },
  {
    id: 'MQTT-2.2.2-1',
    binds: 'both',
    wording: 'If there are no properties this MUST be indicated by a Property Length of zero.',
  },
  {
    id: 'MQTT-3.1.0-1',
    binds: 'client',
    wording:
      'After the Network Connection is established, the first packet from the Client to the Server MUST be a CONNECT.',
  },
  {
    id: 'MQTT-3.1.0-2',
    binds: 'server',
    wording:
      'The Server MUST process a second CONNECT from a Client as a Protocol Error and close the Network Connection.',
  },
  {
    id: 'MQTT-3.1.2-1',
    binds: 'both',
    wording:
      'The protocol name MUST be the UTF-8 string "MQTT"; a Server that does not accept the CONNECT MAY send a CONNACK with 0x84 (Unsupported Protocol Version) and then MUST close the Network Connection.',
  },
  {
    id: 'MQTT-3.1.2-2',
    binds: 'server',
    wording:
      'If the Protocol Version is not 5 and the Server does not want to accept the CONNECT, it MAY send a CONNACK with 0x84 (Unsupported Protocol Version) and then MUST close the Network Connection.',
  },
  {
    id: 'MQTT-3.1.2-3',
    binds: 'server',
    wording: 'The Server MUST validate that the reserved flag in the CONNECT is 0.',
  },
  {
    id: 'MQTT-3.1.2-4',
    binds: 'both',
    wording:
      'If a CONNECT has Clean Start 1 the Client and Server MUST discard any existing Session and start a new one.',
  },
  {
    id: 'MQTT-3.1.2-5',
    binds: 'server',
    wording:
      'If a CONNECT has Clean Start 0 and a Session exists for the Client Identifier, the Server MUST resume communications based on the state of that Session.',
  },
  {
    id: 'MQTT-3.1.2-6',
    binds: 'server',
    wording:
      'If a CONNECT has Clean Start 0 and no Session exists for the Client Identifier, the Server MUST create a new Session.',
  },
  {
    id: 'MQTT-3.1.2-7',
    binds: 'server',
    wording: 'If the Will Flag is 1 a Will Message MUST be stored on the Server and associated with the Session.',
  },
  {
    id: 'MQTT-3.1.2-8',
    binds: 'server',
    wording:
      'The Will Message MUST be published after the Network Connection closes and either the Will Delay Interval has elapsed or the Session ends, unless deleted by a DISCONNECT with 0x00 or a new connection for the ClientID opened before the interval elapsed.',
  },
  {
    id: 'MQTT-3.1.2-9',
    binds: 'client',
    wording:
      'If the Will Flag is 1 the Will Properties, Will Topic and Will Payload fields MUST be present in the CONNECT Payload.',
  },
  {
    id: 'MQTT-3.1.2-10',
    binds: 'server',
    wording:
      'The Will Message MUST be removed from the Session State in the Server once it has been published or a DISCONNECT with 0x00 (Normal disconnection) has been received from the Client.',
  },
  { id: 'MQTT-3.1.2-11', binds: 'client', wording: 'If the Will Flag is 0 the Will QoS MUST be 0.' },
  {
    id: 'MQTT-3.1.2-12',
    binds: 'client',
    wording: 'If the Will Flag is 1 the Will QoS can be 0, 1 or 2 (3 is malformed).',
  },
  { id: 'MQTT-3.1.2-13', binds: 'client', wording: 'If the Will Flag is 0 the Will Retain MUST be 0.' },
  {
    id: 'MQTT-3.1.2-14',
    binds: 'server',
    wording: 'With Will Flag 1 and Will Retain 0 the Server MUST publish the Will Message as a non-retained message.',
  },
  {
    id: 'MQTT-3.1.2-15',
    binds: 'server',
    wording: 'With Will Flag 1 and Will Retain 1 the Server MUST publish the Will Message as a retained message.',
  },
  {
    id: 'MQTT-3.1.2-16',
    binds: 'client',
    wording: 'If the User Name Flag is 0 a User Name MUST NOT be present in the Payload.',
  },
  {
    id: 'MQTT-3.1.2-17',
    binds: 'client',
    wording: 'If the User Name Flag is 1 a User Name MUST be present in the Payload.',
  },
  {
    id: 'MQTT-3.1.2-18',
    binds: 'client',
    wording: 'If the Password Flag is 0 a Password MUST NOT be present in the Payload.',
  },
  {
    id: 'MQTT-3.1.2-19',
    binds: 'client',
    wording: 'If the Password Flag is 1 a Password MUST be present in the Payload.',
  },
  {
    id: 'MQTT-3.1.2-20',
    binds: 'client',
    wording: 'With a non-zero Keep Alive and no other MQTT Control Packet to send, the Client MUST send a PINGREQ.',
  },
  {
    id: 'MQTT-3.1.2-21',
    binds: 'client',
    wording:
      'If the CONNACK contains a Server Keep Alive the Client MUST use that value instead of the Keep Alive it sent.',
  },
  {
    id: 'MQTT-3.1.2-22',
    binds: 'server',
    wording:
      'With a non-zero Keep Alive the Server MUST close the Network Connection to a Client from which it receives no packet within one and a half times the Keep Alive, as if the network had failed.',
  },
  {
    id: 'MQTT-3.1.2-23',
    binds: 'both',
    wording:
      'The Client and Server MUST store the Session State after the Network Connection is closed if the Session Expiry Interval is greater than 0.',
  },
  {
    id: 'MQTT-3.1.2-24',
    binds: 'server',
    wording: "The Server MUST NOT send packets exceeding the Client's Maximum Packet Size to the Client.",
  },
  {
    id: 'MQTT-3.1.2-25',
    binds: 'server',
    wording:
      'Where a packet is too large to send, the Server MUST discard it without sending it and then behave as if it had completed sending that Application Message.',
  },
  {
    id: 'MQTT-3.1.2-26',
    binds: 'server',
    wording:
      "The Server MUST NOT send the Client a PUBLISH with a Topic Alias greater than the Client's Topic Alias Maximum.",
  },
  {
    id: 'MQTT-3.1.2-27',
    binds: 'server',
    wording:
      "If the Client's Topic Alias Maximum is absent or zero the Server MUST NOT send any Topic Alias to the Client.",
  },
  {
    id: 'MQTT-3.1.2-28',
    binds: 'server',
    wording: 'If Request Response Information is 0 the Server MUST NOT return Response Information.',
  },
  {
    id: 'MQTT-3.1.2-29',
    binds: 'server',
    wording:
      'If Request Problem Information is 0 the Server MUST NOT send a Reason String or User Properties on any packet other than PUBLISH, CONNACK or DISCONNECT.',
  },
  {
    id: 'MQTT-3.1.2-30',
    binds: 'client',
    wording:
      'A Client that sets an Authentication Method in the CONNECT MUST NOT send any packets other than AUTH or DISCONNECT until it has received a CONNACK.',
  },
  {
    id: 'MQTT-3.1.3-1',
    binds: 'client',
    wording:
      'CONNECT Payload fields, if present, MUST appear in the order Client Identifier, Will Properties, Will Topic, Will Payload, User Name, Password.',
  },
  {
    id: 'MQTT-3.1.3-2',
    binds: 'both',
    wording:
      'The ClientID MUST be used by Clients and by Servers to identify the state they hold for the Session between them.',
  },
  {
    id: 'MQTT-3.1.3-3',
    binds: 'client',
    wording: 'The ClientID MUST be present and is the first field in the CONNECT Payload.',
  },
  { id: 'MQTT-3.1.3-4', binds: 'client', wording: 'The ClientID MUST be a UTF-8 Encoded String.' },
  {
    id: 'MQTT-3.1.3-5',
    binds: 'server',
    wording:
      'The Server MUST allow ClientIDs of 1 to 23 UTF-8 bytes that contain only the characters 0-9, a-z and A-Z.',
  },
  {
    id: 'MQTT-3.1.3-6',
    binds: 'server',
    wording:
      'A Server that allows a zero-length ClientID MUST treat it as a special case and assign a unique ClientID to that Client.',
  },
  {
    id: 'MQTT-3.1.3-7',
    binds: 'server',
    wording:
      'The Server MUST then process the CONNECT as if the Client had provided that assigned ClientID, and MUST return the Assigned Client Identifier in the CONNACK.',
  },
  {
    id: 'MQTT-3.1.3-8',
    binds: 'server',
    wording:
      'A Server that rejects the ClientID MAY send a CONNACK with 0x85 (Client Identifier not valid) and then MUST close the Network Connection.',
  },
  {
    id: 'MQTT-3.1.3-9',
    binds: 'server',
    wording:
      'If a new Network Connection to the Session is made before the Will Delay Interval has passed, the Server MUST NOT send the Will Message.',
  },
  {
    id: 'MQTT-3.1.3-10',
    binds: 'server',
    wording: 'The Server MUST maintain the order of User Properties when publishing the Will Message.',
  },
  { id: 'MQTT-3.1.3-11', binds: 'client', wording: 'The Will Topic MUST be a UTF-8 Encoded String.' },
  {
    id: 'MQTT-3.1.3-12',
    binds: 'client',
    wording: 'The User Name, if its flag is 1, is the next field in the Payload and MUST be a UTF-8 Encoded String.',
  },
  {
    id: 'MQTT-3.1.4-1',
    binds: 'server',
    wording:
      'The Server MUST validate that the CONNECT matches the format of section 3.1 and close the Network Connection if it does not.',
  },
  {
    id: 'MQTT-3.1.4-2',
    binds: 'server',
    wording:
      'The Server MAY check further restrictions and SHOULD perform authentication and authorization checks on the CONNECT; if any fails it MUST close the Network Connection.',
  },
  {
    id: 'MQTT-3.1.4-3',
    binds: 'server',
    wording:
      'If the ClientID is that of a Client already connected, the Server sends the existing Client a DISCONNECT with 0x8E (Session taken over) and MUST close its Network Connection.',
  },
  { id: 'MQTT-3.1.4-4', binds: 'server', wording: 'The Server MUST perform the processing of Clean Start.' },
  {
    id: 'MQTT-3.1.4-5',
    binds: 'server',
    wording: 'The Server MUST acknowledge an accepted CONNECT with a CONNACK with Reason Code 0x00 (Success).',
  },
  {
    id: 'MQTT-3.1.4-6',
    binds: 'server',
    wording:
      'If the Server rejects the CONNECT it MUST NOT process any data the Client sent after the CONNECT except AUTH packets.',
  },
  {
    id: 'MQTT-3.2.0-1',
    binds: 'server',
    wording: 'The Server MUST send a CONNACK with 0x00 (Success) before sending any packet other than AUTH.',
  },
  {
    id: 'MQTT-3.2.0-2',
    binds: 'server',
    wording: 'The Server MUST NOT send more than one CONNACK in a Network Connection.',
  },
  {
    id: 'MQTT-3.2.2-1',
    binds: 'server',
    wording: 'Bits 7-1 of the Connect Acknowledge Flags are reserved and MUST be 0.',
  },
  {
    id: 'MQTT-3.2.2-2',
    binds: 'server',
    wording:
      'A Server that accepts a connection with Clean Start 1 MUST set Session Present to 0 together with Reason Code 0x00 in the CONNACK.',
  },
  {
    id: 'MQTT-3.2.2-3',
    binds: 'server',
    wording:
      'A Server that accepts a connection with Clean Start 0 MUST set Session Present to 1 if it has Session State for the ClientID and otherwise MUST set it to 0, in both cases with Reason Code 0x00.',
  },
  {
    id: 'MQTT-3.2.2-4',
    binds: 'client',
    wording: 'A Client that has no Session State and receives Session Present 1 MUST close the Network Connection.',
  },
  {
    id: 'MQTT-3.2.2-5',
    binds: 'client',
    wording:
      'A Client that has Session State and receives Session Present 0 MUST discard its Session State if it continues with the Network Connection.',
  },
  {
    id: 'MQTT-3.2.2-6',
    binds: 'server',
    wording: 'A Server that sends a CONNACK with a non-zero Reason Code MUST set Session Present to 0.',
  },
  {
    id: 'MQTT-3.2.2-7',
    binds: 'server',
    wording:
      'A Server that sends a CONNACK with a Reason Code of 0x80 or greater MUST then close the Network Connection.',
  },
  {
    id: 'MQTT-3.2.2-8',
    binds: 'server',
    wording: 'The Server sending a CONNACK MUST use one of the Connect Reason Code values.',
  },
  {
    id: 'MQTT-3.2.2-9',
    binds: 'server',
    wording:
      'A Server that does not support QoS 1 or QoS 2 PUBLISH MUST send a Maximum QoS in the CONNACK with the highest QoS it supports.',
  },
  {
    id: 'MQTT-3.2.2-10',
    binds: 'server',
    wording:
      'A Server that does not support QoS 1 or QoS 2 PUBLISH MUST still accept SUBSCRIBE packets with a Requested QoS of 0, 1 or 2.',
  },
  {
    id: 'MQTT-3.2.2-11',
    binds: 'client',
    wording: 'A Client that receives a Maximum QoS from the Server MUST NOT send PUBLISH packets at a higher QoS.',
  },
  {
    id: 'MQTT-3.2.2-12',
    binds: 'server',
    wording:
      'A Server that receives a CONNECT with a Will QoS beyond its capabilities MUST reject the connection, SHOULD send a CONNACK with 0x9B (QoS not supported) and MUST close the Network Connection.',
  },
  {
    id: 'MQTT-3.2.2-13',
    binds: 'server',
    wording:
      'A Server that receives a CONNECT with Will Retain 1 and does not support retained messages MUST reject the connection, SHOULD send a CONNACK with 0x9A (Retain not supported) and then MUST close the Network Connection.',
  },
  {
    id: 'MQTT-3.2.2-14',
    binds: 'client',
    wording: 'A Client that receives Retain Available 0 MUST NOT send a PUBLISH with RETAIN 1.',
  },
  {
    id: 'MQTT-3.2.2-15',
    binds: 'client',
    wording: "The Client MUST NOT send packets exceeding the Server's Maximum Packet Size to the Server.",
  },
  {
    id: 'MQTT-3.2.2-16',
    binds: 'server',
    wording:
      'If the Client connects with a zero-length Client Identifier the Server MUST return an Assigned Client Identifier in the CONNACK, which MUST NOT be used by any other Session currently in the Server.',
  },
  {
    id: 'MQTT-3.2.2-17',
    binds: 'client',
    wording:
      "The Client MUST NOT send the Server a PUBLISH with a Topic Alias greater than the Server's Topic Alias Maximum.",
  },
  {
    id: 'MQTT-3.2.2-18',
    binds: 'client',
    wording:
      "If the Server's Topic Alias Maximum is absent or 0 the Client MUST NOT send any Topic Alias to the Server.",
  },
  {
    id: 'MQTT-3.2.2-19',
    binds: 'server',
    wording:
      "The Server MUST NOT send the Reason String if it would increase the CONNACK beyond the Client's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.2.2-20',
    binds: 'server',
    wording:
      "The Server MUST NOT send User Properties if they would increase the CONNACK beyond the Client's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.2.2-21',
    binds: 'client',
    wording:
      'If the CONNACK contains a Server Keep Alive the Client MUST use it instead of the Keep Alive it sent in the CONNECT.',
  },
  {
    id: 'MQTT-3.2.2-22',
    binds: 'server',
    wording:
      'If the Server does not send a Server Keep Alive it MUST use the Keep Alive value set by the Client in the CONNECT.',
  },
  {
    id: 'MQTT-3.3.1-1',
    binds: 'both',
    wording: 'The DUP flag MUST be set to 1 by the Client or Server when it attempts to re-deliver a PUBLISH.',
  },
  { id: 'MQTT-3.3.1-2', binds: 'both', wording: 'The DUP flag MUST be 0 for all QoS 0 messages.' },
  {
    id: 'MQTT-3.3.1-3',
    binds: 'server',
    wording:
      'The DUP flag of an outgoing PUBLISH is independent of the incoming PUBLISH and MUST be determined solely by whether the outgoing packet is a retransmission.',
  },
  { id: 'MQTT-3.3.1-4', binds: 'both', wording: 'A PUBLISH MUST NOT have both QoS bits set to 1.' },
  {
    id: 'MQTT-3.3.1-5',
    binds: 'server',
    wording:
      "If a Client's PUBLISH has RETAIN 1 the Server MUST replace any existing retained message for the topic and store the Application Message.",
  },
  {
    id: 'MQTT-3.3.1-6',
    binds: 'server',
    wording:
      'A retained PUBLISH with a zero-byte Payload is processed normally, and any retained message with the same topic name MUST be removed so that future subscribers do not receive one.',
  },
  {
    id: 'MQTT-3.3.1-7',
    binds: 'server',
    wording: 'A retained message with a zero-byte Payload MUST NOT be stored as a retained message on the Server.',
  },
  {
    id: 'MQTT-3.3.1-8',
    binds: 'server',
    wording:
      "If a Client's PUBLISH has RETAIN 0 the Server MUST NOT store it as a retained message and MUST NOT remove or replace any existing retained message.",
  },
  {
    id: 'MQTT-3.3.1-9',
    binds: 'server',
    wording:
      'If Retain Handling is 0 the Server MUST send the retained messages matching the Topic Filter of the subscription to the Client.',
  },
  {
    id: 'MQTT-3.3.1-10',
    binds: 'server',
    wording:
      'If Retain Handling is 1 the Server MUST send the matching retained messages if the subscription did not already exist, and MUST NOT send them if it did.',
  },
  {
    id: 'MQTT-3.3.1-11',
    binds: 'server',
    wording: 'If Retain Handling is 2 the Server MUST NOT send the retained messages.',
  },
  {
    id: 'MQTT-3.3.1-12',
    binds: 'server',
    wording:
      'If Retain As Published is 0 the Server MUST set RETAIN to 0 when forwarding an Application Message, whatever the flag was in the received PUBLISH.',
  },
  {
    id: 'MQTT-3.3.1-13',
    binds: 'server',
    wording: 'If Retain As Published is 1 the Server MUST set RETAIN equal to the RETAIN flag of the received PUBLISH.',
  },
  {
    id: 'MQTT-3.3.2-1',
    binds: 'both',
    wording:
      'The Topic Name MUST be present as the first field of the PUBLISH Variable Header and MUST be a UTF-8 Encoded String.',
  },
  { id: 'MQTT-3.3.2-2', binds: 'both', wording: 'The Topic Name in a PUBLISH MUST NOT contain wildcard characters.' },
  {
    id: 'MQTT-3.3.2-3',
    binds: 'server',
    wording:
      "The Topic Name in a PUBLISH sent by a Server to a subscribing Client MUST match the subscription's Topic Filter.",
  },
  {
    id: 'MQTT-3.3.2-4',
    binds: 'server',
    wording: 'A Server MUST send the Payload Format Indicator unaltered to all subscribers receiving the message.',
  },
  {
    id: 'MQTT-3.3.2-5',
    binds: 'server',
    wording:
      'If the Message Expiry Interval has passed before onward delivery to a matching subscriber has started, the Server MUST delete the copy of the message for that subscriber.',
  },
  {
    id: 'MQTT-3.3.2-6',
    binds: 'server',
    wording:
      'A PUBLISH sent to a Client MUST contain a Message Expiry Interval of the received value minus the time the message has been waiting in the Server.',
  },
  {
    id: 'MQTT-3.3.2-7',
    binds: 'both',
    wording: 'A receiver MUST NOT carry forward any Topic Alias mappings from one Network Connection to another.',
  },
  { id: 'MQTT-3.3.2-8', binds: 'both', wording: 'A sender MUST NOT send a PUBLISH with a Topic Alias of 0.' },
  {
    id: 'MQTT-3.3.2-9',
    binds: 'client',
    wording:
      'A Client MUST NOT send a PUBLISH with a Topic Alias greater than the Topic Alias Maximum returned in the CONNACK.',
  },
  {
    id: 'MQTT-3.3.2-10',
    binds: 'client',
    wording: 'A Client MUST accept all Topic Alias values from 1 to the Topic Alias Maximum it sent in the CONNECT.',
  },
  {
    id: 'MQTT-3.3.2-11',
    binds: 'server',
    wording:
      'A Server MUST NOT send a PUBLISH with a Topic Alias greater than the Topic Alias Maximum sent by the Client in the CONNECT.',
  },
  {
    id: 'MQTT-3.3.2-12',
    binds: 'server',
    wording:
      'A Server MUST accept all Topic Alias values from 1 to the Topic Alias Maximum it returned in the CONNACK.',
  },
  { id: 'MQTT-3.3.2-13', binds: 'both', wording: 'The Response Topic MUST be a UTF-8 Encoded String.' },
  { id: 'MQTT-3.3.2-14', binds: 'both', wording: 'The Response Topic MUST NOT contain wildcard characters.' },
  {
    id: 'MQTT-3.3.2-15',
    binds: 'server',
    wording: 'The Server MUST send the Response Topic unaltered to all subscribers receiving the Application Message.',
  },
  {
    id: 'MQTT-3.3.2-16',
    binds: 'server',
    wording:
      'The Server MUST send the Correlation Data unaltered to all subscribers receiving the Application Message.',
  },
  {
    id: 'MQTT-3.3.2-17',
    binds: 'server',
    wording:
      'The Server MUST send all User Properties unaltered in the PUBLISH when forwarding the Application Message to a Client.',
  },
  {
    id: 'MQTT-3.3.2-18',
    binds: 'server',
    wording: 'The Server MUST maintain the order of User Properties when forwarding the Application Message.',
  },
  { id: 'MQTT-3.3.2-19', binds: 'both', wording: 'The Content Type MUST be a UTF-8 Encoded String.' },
  {
    id: 'MQTT-3.3.2-20',
    binds: 'server',
    wording: 'A Server MUST send the Content Type unaltered to all subscribers receiving the Application Message.',
  },
  {
    id: 'MQTT-3.3.4-1',
    binds: 'both',
    wording:
      'The receiver of a PUBLISH MUST respond as its QoS determines: nothing for QoS 0, PUBACK for QoS 1, PUBREC for QoS 2.',
  },
  {
    id: 'MQTT-3.3.4-2',
    binds: 'server',
    wording:
      "When a Client's subscriptions overlap the Server MUST deliver the message respecting the maximum QoS of all the matching subscriptions.",
  },
  {
    id: 'MQTT-3.3.4-3',
    binds: 'server',
    wording:
      'If the Client specified a Subscription Identifier for any of the overlapping subscriptions the Server MUST send those identifiers in the published message.',
  },
  {
    id: 'MQTT-3.3.4-4',
    binds: 'server',
    wording:
      'A Server that sends a single copy of the message MUST include the Subscription Identifiers of all matching subscriptions that have one, in any order.',
  },
  {
    id: 'MQTT-3.3.4-5',
    binds: 'server',
    wording:
      'A Server that sends multiple PUBLISH packets MUST send in each of them the Subscription Identifier of the matching subscription if it has one.',
  },
  {
    id: 'MQTT-3.3.4-6',
    binds: 'client',
    wording: 'A PUBLISH sent from a Client to a Server MUST NOT contain a Subscription Identifier.',
  },
  {
    id: 'MQTT-3.3.4-7',
    binds: 'client',
    wording:
      'The Client MUST NOT send more than Receive Maximum QoS 1 and QoS 2 PUBLISH packets for which it has not received PUBACK, PUBCOMP, or PUBREC with a Reason Code of 128 or greater.',
  },
  {
    id: 'MQTT-3.3.4-8',
    binds: 'client',
    wording:
      'The Client MUST NOT delay packets other than PUBLISH because it has sent Receive Maximum PUBLISH packets without acknowledgement.',
  },
  {
    id: 'MQTT-3.3.4-9',
    binds: 'server',
    wording:
      'The Server MUST NOT send more than Receive Maximum QoS 1 and QoS 2 PUBLISH packets for which it has not received PUBACK, PUBCOMP, or PUBREC with a Reason Code of 128 or greater.',
  },
  {
    id: 'MQTT-3.3.4-10',
    binds: 'server',
    wording:
      'The Server MUST NOT delay packets other than PUBLISH because it has sent Receive Maximum PUBLISH packets without acknowledgement.',
  },
  { id: 'MQTT-3.4.2-1', binds: 'both', wording: 'The sender of a PUBACK MUST use one of the PUBACK Reason Codes.' },
  {
    id: 'MQTT-3.4.2-2',
    binds: 'both',
    wording:
      "The sender MUST NOT send the Reason String if it would increase the PUBACK beyond the receiver's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.4.2-3',
    binds: 'both',
    wording:
      "The sender MUST NOT send User Properties if they would increase the PUBACK beyond the receiver's Maximum Packet Size.",
  },
  { id: 'MQTT-3.5.2-1', binds: 'both', wording: 'The sender of a PUBREC MUST use one of the PUBREC Reason Codes.' },
  {
    id: 'MQTT-3.5.2-2',
    binds: 'both',
    wording:
      "The sender MUST NOT send the Reason String if it would increase the PUBREC beyond the receiver's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.5.2-3',
    binds: 'both',
    wording:
      "The sender MUST NOT send User Properties if they would increase the PUBREC beyond the receiver's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.6.1-1',
    binds: 'both',
    wording:
      'Bits 3-0 of the PUBREL Fixed Header MUST be 0,0,1,0, and the Server MUST treat any other value as malformed and close the Network Connection.',
  },
  { id: 'MQTT-3.6.2-1', binds: 'both', wording: 'The sender of a PUBREL MUST use one of the PUBREL Reason Codes.' },
  {
    id: 'MQTT-3.6.2-2',
    binds: 'both',
    wording:
      "The sender MUST NOT send the Reason String if it would increase the PUBREL beyond the receiver's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.6.2-3',
    binds: 'both',
    wording:
      "The sender MUST NOT send User Properties if they would increase the PUBREL beyond the receiver's Maximum Packet Size.",
  },
  { id: 'MQTT-3.7.2-1', binds: 'both', wording: 'The sender of a PUBCOMP MUST use one of the PUBCOMP Reason Codes.' },
  {
    id: 'MQTT-3.7.2-2',
    binds: 'both',
    wording:
      "The sender MUST NOT send the Reason String if it would increase the PUBCOMP beyond the receiver's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.7.2-3',
    binds: 'both',
    wording:
      "The sender MUST NOT send User Properties if they would increase the PUBCOMP beyond the receiver's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.8.1-1',
    binds: 'both',
    wording:
      'Bits 3-0 of the SUBSCRIBE Fixed Header MUST be 0,0,1,0, and the Server MUST treat any other value as malformed and close the Network Connection.',
  },
  { id: 'MQTT-3.8.3-1', binds: 'client', wording: 'The Topic Filters in a SUBSCRIBE MUST be UTF-8 Encoded Strings.' },
  {
    id: 'MQTT-3.8.3-2',
    binds: 'client',
    wording: 'The SUBSCRIBE Payload MUST contain at least one Topic Filter and Subscription Options pair.',
  },
  {
    id: 'MQTT-3.8.3-3',
    binds: 'server',
    wording:
      'With No Local 1 (bit 2 of the Subscription Options) Application Messages MUST NOT be forwarded to a connection whose ClientID equals that of the publishing connection.',
  },
  {
    id: 'MQTT-3.8.3-4',
    binds: 'both',
    wording: 'It is a Protocol Error to set No Local to 1 on a Shared Subscription.',
  },
  {
    id: 'MQTT-3.8.3-5',
    binds: 'server',
    wording: 'The Server MUST treat a SUBSCRIBE as malformed if any reserved bit in the Payload is non-zero.',
  },
  { id: 'MQTT-3.8.4-1', binds: 'server', wording: 'The Server MUST respond to a SUBSCRIBE with a SUBACK.' },
  {
    id: 'MQTT-3.8.4-2',
    binds: 'server',
    wording: 'The SUBACK MUST have the same Packet Identifier as the SUBSCRIBE it acknowledges.',
  },
  {
    id: 'MQTT-3.8.4-3',
    binds: 'server',
    wording:
      'A SUBSCRIBE whose Topic Filter is identical to that of a Non-shared Subscription of the current Session MUST replace that Subscription with a new one.',
  },
  {
    id: 'MQTT-3.8.4-4',
    binds: 'server',
    wording:
      'If Retain Handling is 0 any matching retained messages MUST be re-sent, and Application Messages MUST NOT be lost due to replacing the Subscription.',
  },
  {
    id: 'MQTT-3.8.4-5',
    binds: 'server',
    wording:
      'The Server MUST handle a SUBSCRIBE with multiple Topic Filters as a sequence of SUBSCRIBE packets, except that it combines their responses into one SUBACK.',
  },
  {
    id: 'MQTT-3.8.4-6',
    binds: 'server',
    wording: 'The SUBACK MUST contain a Reason Code for each Topic Filter/Subscription Option pair.',
  },
  {
    id: 'MQTT-3.8.4-7',
    binds: 'server',
    wording:
      'Each SUBACK Reason Code MUST show either the maximum QoS granted for that Subscription or that the subscription failed.',
  },
  {
    id: 'MQTT-3.8.4-8',
    binds: 'server',
    wording:
      'The QoS of messages sent for a Subscription MUST be the minimum of the published QoS and the Maximum QoS granted by the Server.',
  },
  {
    id: 'MQTT-3.9.2-1',
    binds: 'server',
    wording:
      "The Server MUST NOT send the Reason String if it would increase the SUBACK beyond the Client's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.9.2-2',
    binds: 'server',
    wording:
      "The Server MUST NOT send User Properties if they would increase the SUBACK beyond the Client's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.9.3-1',
    binds: 'server',
    wording: 'The order of Reason Codes in the SUBACK MUST match the order of Topic Filters in the SUBSCRIBE.',
  },
  {
    id: 'MQTT-3.9.3-2',
    binds: 'server',
    wording: 'The Server sending a SUBACK MUST send one of the Subscribe Reason Codes for each Topic Filter received.',
  },
  {
    id: 'MQTT-3.10.1-1',
    binds: 'both',
    wording:
      'Bits 3-0 of the UNSUBSCRIBE Fixed Header MUST be 0,0,1,0, and the Server MUST treat any other value as malformed and close the Network Connection.',
  },
  {
    id: 'MQTT-3.10.3-1',
    binds: 'client',
    wording: 'The Topic Filters in an UNSUBSCRIBE MUST be UTF-8 Encoded Strings.',
  },
  { id: 'MQTT-3.10.3-2', binds: 'client', wording: 'The UNSUBSCRIBE Payload MUST contain at least one Topic Filter.' },
  {
    id: 'MQTT-3.10.4-1',
    binds: 'server',
    wording:
      'The Topic Filters of an UNSUBSCRIBE MUST be compared character by character with those the Server holds for the Client, and a Subscription whose filter matches exactly MUST be deleted.',
  },
  {
    id: 'MQTT-3.10.4-2',
    binds: 'server',
    wording:
      'On UNSUBSCRIBE the Server MUST stop adding new messages that match the Topic Filters for delivery to the Client.',
  },
  {
    id: 'MQTT-3.10.4-3',
    binds: 'server',
    wording:
      'On UNSUBSCRIBE the Server MUST complete the delivery of matching QoS 1 or QoS 2 messages it has started to send to the Client.',
  },
  { id: 'MQTT-3.10.4-4', binds: 'server', wording: 'The Server MUST respond to an UNSUBSCRIBE with an UNSUBACK.' },
  {
    id: 'MQTT-3.10.4-5',
    binds: 'server',
    wording:
      'The UNSUBACK MUST have the same Packet Identifier as the UNSUBSCRIBE, and the Server MUST send it even where no Subscription is deleted.',
  },
  {
    id: 'MQTT-3.10.4-6',
    binds: 'server',
    wording:
      'The Server MUST process an UNSUBSCRIBE with multiple Topic Filters as a sequence of UNSUBSCRIBE packets, except that it sends just one UNSUBACK.',
  },
  {
    id: 'MQTT-3.11.2-1',
    binds: 'server',
    wording:
      "The Server MUST NOT send the Reason String if it would increase the UNSUBACK beyond the Client's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.11.2-2',
    binds: 'server',
    wording:
      "The Server MUST NOT send User Properties if they would increase the UNSUBACK beyond the Client's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.11.3-1',
    binds: 'server',
    wording: 'The order of Reason Codes in the UNSUBACK MUST match the order of Topic Filters in the UNSUBSCRIBE.',
  },
  {
    id: 'MQTT-3.11.3-2',
    binds: 'server',
    wording:
      'The Server sending an UNSUBACK MUST use one of the Unsubscribe Reason Codes for each Topic Filter received.',
  },
  { id: 'MQTT-3.12.4-1', binds: 'server', wording: 'The Server MUST send a PINGRESP in response to a PINGREQ.' },
  {
    id: 'MQTT-3.14.0-1',
    binds: 'server',
    wording:
      'A Server MUST NOT send a DISCONNECT until after it has sent a CONNACK with a Reason Code of less than 0x80.',
  },
  {
    id: 'MQTT-3.14.1-1',
    binds: 'both',
    wording:
      'The Client or Server MUST validate that the reserved bits of a DISCONNECT are 0 and, if they are not, sends a DISCONNECT with 0x81 (Malformed Packet).',
  },
  {
    id: 'MQTT-3.14.2-1',
    binds: 'both',
    wording: 'The sender of a DISCONNECT MUST use one of the DISCONNECT Reason Codes.',
  },
  {
    id: 'MQTT-3.14.2-2',
    binds: 'server',
    wording: 'The Session Expiry Interval MUST NOT be sent on a DISCONNECT by the Server.',
  },
  {
    id: 'MQTT-3.14.2-3',
    binds: 'both',
    wording:
      "The sender MUST NOT send the Reason String if it would increase the DISCONNECT beyond the receiver's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.14.2-4',
    binds: 'both',
    wording:
      "The sender MUST NOT send User Properties if they would increase the DISCONNECT beyond the receiver's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.14.4-1',
    binds: 'both',
    wording:
      'After sending a DISCONNECT the sender MUST NOT send any more MQTT Control Packets on that Network Connection.',
  },
  {
    id: 'MQTT-3.14.4-2',
    binds: 'both',
    wording: 'After sending a DISCONNECT the sender MUST close the Network Connection.',
  },
  {
    id: 'MQTT-3.14.4-3',
    binds: 'server',
    wording:
      'On receipt of a DISCONNECT with 0x00 (Success) the Server MUST discard any Will Message of the current connection without publishing it.',
  },
  {
    id: 'MQTT-3.15.1-1',
    binds: 'both',
    wording:
      'Bits 3-0 of the AUTH Fixed Header MUST all be 0, and the Client or Server MUST treat any other value as malformed and close the Network Connection.',
  },
  {
    id: 'MQTT-3.15.2-1',
    binds: 'both',
    wording: 'The sender of an AUTH MUST use one of the Authenticate Reason Codes.',
  },
  {
    id: 'MQTT-3.15.2-2',
    binds: 'both',
    wording:
      "The sender MUST NOT send the Reason String if it would increase the AUTH beyond the receiver's Maximum Packet Size.",
  },
  {
    id: 'MQTT-3.15.2-3',
    binds: 'both',
    wording:
      "The sender MUST NOT send User Properties if they would increase the AUTH beyond the receiver's Maximum Packet Size.",
  },
  {
    id: 'MQTT-4.1.0-1',
    binds: 'both',
    wording: 'The Client and Server MUST NOT discard the Session State while the Network Connection is open.',
  },
  {
    id: 'MQTT-4.1.0-2',
    binds: 'server',
    wording:
      'The Server MUST discard the Session State when the Network Connection is closed and the Session Expiry Interval has passed.',
  },
  {
    id: 'MQTT-4.2.0-1',
    binds: 'both',
    wording:
      'A Client or Server MUST support one or more underlying transport protocols that provide an ordered, lossless stream of bytes in both directions.',
  },
  { id: 'MQTT-4.3.1-1', binds: 'both', wording: 'A QoS 0 sender MUST send the PUBLISH with QoS 0 and DUP 0.' },
  {
    id: 'MQTT-4.3.2-1',
    binds: 'both',
    wording:
      'A QoS 1 sender MUST assign an unused Packet Identifier each time it has a new Application Message to publish.',
  },
  {
    id: 'MQTT-4.3.2-2',
    binds: 'both',
    wording: 'A QoS 1 sender MUST send a PUBLISH with this Packet Identifier, QoS 1 and DUP 0.',
  },
  {
    id: 'MQTT-4.3.2-3',
    binds: 'both',
    wording: 'A QoS 1 sender MUST treat the PUBLISH as unacknowledged until it has received the corresponding PUBACK.',
  },
  {
    id: 'MQTT-4.3.2-4',
    binds: 'both',
    wording:
      'A QoS 1 receiver MUST respond with a PUBACK with the Packet Identifier of the PUBLISH, having accepted ownership of the Application Message.',
  },
  {
    id: 'MQTT-4.3.2-5',
    binds: 'both',
    wording:
      'After sending the PUBACK a QoS 1 receiver MUST treat any incoming PUBLISH with the same Packet Identifier as a new Application Message, whatever its DUP flag.',
  },
  {
    id: 'MQTT-4.3.3-1',
    binds: 'both',
    wording: 'A QoS 2 sender MUST assign an unused Packet Identifier when it has a new Application Message to publish.',
  },
  {
    id: 'MQTT-4.3.3-2',
    binds: 'both',
    wording: 'A QoS 2 sender MUST send a PUBLISH with this Packet Identifier, QoS 2 and DUP 0.',
  },
  {
    id: 'MQTT-4.3.3-3',
    binds: 'both',
    wording: 'A QoS 2 sender MUST treat the PUBLISH as unacknowledged until it has received the corresponding PUBREC.',
  },
  {
    id: 'MQTT-4.3.3-4',
    binds: 'both',
    wording:
      'A QoS 2 sender MUST send a PUBREL when it receives a PUBREC with a Reason Code below 0x80, and the PUBREL MUST contain the Packet Identifier of the original PUBLISH.',
  },
  {
    id: 'MQTT-4.3.3-5',
    binds: 'both',
    wording: 'A QoS 2 sender MUST treat the PUBREL as unacknowledged until it has received the corresponding PUBCOMP.',
  },
  {
    id: 'MQTT-4.3.3-6',
    binds: 'both',
    wording: 'A QoS 2 sender MUST NOT re-send the PUBLISH once it has sent the corresponding PUBREL.',
  },
  {
    id: 'MQTT-4.3.3-7',
    binds: 'both',
    wording: 'A QoS 2 sender MUST NOT apply Application Message expiry if a PUBLISH has been sent.',
  },
  {
    id: 'MQTT-4.3.3-8',
    binds: 'both',
    wording:
      'A QoS 2 receiver MUST respond with a PUBREC with the Packet Identifier of the PUBLISH, having accepted ownership of the Application Message.',
  },
  {
    id: 'MQTT-4.3.3-9',
    binds: 'both',
    wording:
      'A QoS 2 receiver that has sent a PUBREC with a Reason Code of 0x80 or greater MUST treat any later PUBLISH with that Packet Identifier as a new Application Message.',
  },
  {
    id: 'MQTT-4.3.3-10',
    binds: 'both',
    wording:
      'Until it has received the PUBREL a QoS 2 receiver MUST acknowledge any later PUBLISH with the same Packet Identifier with a PUBREC, and MUST NOT cause duplicates to be delivered onward.',
  },
  {
    id: 'MQTT-4.3.3-11',
    binds: 'both',
    wording: 'A QoS 2 receiver MUST respond to a PUBREL with a PUBCOMP with the same Packet Identifier.',
  },
  {
    id: 'MQTT-4.3.3-12',
    binds: 'both',
    wording:
      'After sending the PUBCOMP a QoS 2 receiver MUST treat any later PUBLISH with that Packet Identifier as a new Application Message.',
  },
  {
    id: 'MQTT-4.3.3-13',
    binds: 'both',
    wording:
      'A QoS 2 receiver MUST continue the QoS 2 acknowledgement sequence even if it has applied Application Message expiry.',
  },
  {
    id: 'MQTT-4.4.0-1',
    binds: 'both',
    wording:
      'When a Client reconnects with Clean Start 0 and a session is present, Client and Server MUST resend unacknowledged QoS > 0 PUBLISH and PUBREL packets with their original Packet Identifiers, and MUST NOT resend messages at any other time.',
  },
  {
    id: 'MQTT-4.4.0-2',
    binds: 'both',
    wording:
      'On a PUBACK or PUBREC with a Reason Code of 0x80 or greater the PUBLISH is treated as acknowledged and MUST NOT be retransmitted.',
  },
  {
    id: 'MQTT-4.5.0-1',
    binds: 'server',
    wording:
      'A Server that takes ownership of an incoming Application Message MUST add it to the Session State of the Clients with matching Subscriptions.',
  },
  {
    id: 'MQTT-4.5.0-2',
    binds: 'client',
    wording:
      'The Client MUST acknowledge any PUBLISH it receives by the QoS rules, regardless of whether it elects to process the message.',
  },
  {
    id: 'MQTT-4.6.0-1',
    binds: 'client',
    wording:
      'A Client that re-sends PUBLISH packets MUST re-send them in the order in which they were originally sent (QoS 1 and QoS 2).',
  },
  {
    id: 'MQTT-4.6.0-2',
    binds: 'client',
    wording:
      'The Client MUST send PUBACK packets in the order in which the corresponding PUBLISH packets were received (QoS 1).',
  },
  {
    id: 'MQTT-4.6.0-3',
    binds: 'client',
    wording:
      'The Client MUST send PUBREC packets in the order in which the corresponding PUBLISH packets were received (QoS 2).',
  },
  {
    id: 'MQTT-4.6.0-4',
    binds: 'client',
    wording:
      'The Client MUST send PUBREL packets in the order in which the corresponding PUBREC packets were received (QoS 2).',
  },
  {
    id: 'MQTT-4.6.0-5',
    binds: 'server',
    wording:
      'For an Ordered Topic the Server MUST send PUBLISH packets (same Topic and QoS) to consumers in the order they were received from any given Client.',
  },
  {
    id: 'MQTT-4.6.0-6',
    binds: 'server',
    wording:
      'By default a Server MUST treat every Topic as an Ordered Topic when forwarding messages on Non-shared Subscriptions.',
  },
  {
    id: 'MQTT-4.7.0-1',
    binds: 'both',
    wording: 'Wildcard characters can be used in Topic Filters but MUST NOT be used within a Topic Name.',
  },
  {
    id: 'MQTT-4.7.1-1',
    binds: 'both',
    wording:
      'The multi-level wildcard MUST stand alone or follow a topic level separator, and MUST be the last character of the Topic Filter.',
  },
  {
    id: 'MQTT-4.7.1-2',
    binds: 'both',
    wording:
      'The single-level wildcard can be used at any level of a Topic Filter, and where used MUST occupy an entire level.',
  },
  {
    id: 'MQTT-4.7.2-1',
    binds: 'server',
    wording:
      'The Server MUST NOT match Topic Filters that start with a wildcard (# or +) with Topic Names that begin with $.',
  },
  {
    id: 'MQTT-4.7.3-1',
    binds: 'both',
    wording: 'All Topic Names and Topic Filters MUST be at least one character long.',
  },
  {
    id: 'MQTT-4.7.3-2',
    binds: 'both',
    wording: 'Topic Names and Topic Filters MUST NOT include the null character U+0000.',
  },
  {
    id: 'MQTT-4.7.3-3',
    binds: 'both',
    wording: 'Topic Names and Topic Filters are UTF-8 Encoded Strings and MUST NOT encode to more than 65,535 bytes.',
  },
  {
    id: 'MQTT-4.7.3-4',
    binds: 'server',
    wording:
      'In subscription matching the Server MUST NOT normalize Topic Names or Topic Filters, nor modify or substitute unrecognized characters.',
  },
  {
    id: 'MQTT-4.8.2-1',
    binds: 'both',
    wording:
      "A Shared Subscription's Topic Filter MUST start with $share/ and MUST contain a ShareName that is at least one character long.",
  },
  {
    id: 'MQTT-4.8.2-2',
    binds: 'both',
    wording:
      'The ShareName MUST NOT contain "/", "+" or "#", and MUST be followed by a "/" that MUST be followed by a Topic Filter.',
  },
  {
    id: 'MQTT-4.8.2-3',
    binds: 'server',
    wording:
      "When sending a Shared Subscription message to a Client the Server MUST respect the QoS granted to that Client's Subscription.",
  },
  {
    id: 'MQTT-4.8.2-4',
    binds: 'server',
    wording:
      'If the connection breaks while a QoS 2 message is being sent to the chosen Shared Subscription Client, the Server MUST complete the delivery to that Client when it reconnects.',
  },
  {
    id: 'MQTT-4.8.2-5',
    binds: 'server',
    wording:
      "If that Client's Session terminates before it reconnects, the Server MUST NOT send the Application Message to any other subscribed Client.",
  },
  {
    id: 'MQTT-4.8.2-6',
    binds: 'server',
    wording:
      'If a Client answers a Shared Subscription PUBLISH with a PUBACK or PUBREC of 0x80 or greater, the Server MUST discard the message and not attempt to send it to any other Subscriber.',
  },
  {
    id: 'MQTT-4.9.0-1',
    binds: 'both',
    wording:
      'The Client or Server MUST set its initial send quota to a non-zero value not exceeding the Receive Maximum.',
  },
  {
    id: 'MQTT-4.9.0-2',
    binds: 'both',
    wording:
      'Each QoS > 0 PUBLISH sent decrements the send quota, and at zero the Client or Server MUST NOT send any more PUBLISH packets with QoS > 0.',
  },
  {
    id: 'MQTT-4.9.0-3',
    binds: 'both',
    wording:
      'The Client and Server MUST continue to process and respond to all other MQTT Control Packets even if the quota is zero.',
  },
  {
    id: 'MQTT-4.12.0-1',
    binds: 'server',
    wording:
      "A Server that does not support the Client's Authentication Method MAY send a CONNACK with 0x8C (Bad authentication method) or 0x87 (Not Authorized) and MUST close the Network Connection.",
  },
  {
    id: 'MQTT-4.12.0-2',
    binds: 'server',
    wording:
      'An AUTH sent by the Server to ask for additional authentication information MUST have Reason Code 0x18 (Continue authentication).',
  },
  {
    id: 'MQTT-4.12.0-3',
    binds: 'client',
    wording:
      "An AUTH sent by the Client in response to a Server's AUTH MUST have Reason Code 0x18 (Continue authentication).",
  },
  {
    id: 'MQTT-4.12.0-4',
    binds: 'server',
    wording:
      'A Server that rejects the authentication at any point MAY send a CONNACK with a Reason Code of 0x80 or above and MUST close the Network Connection.',
  },
  {
    id: 'MQTT-4.12.0-5',
    binds: 'both',
    wording:
      'If the CONNECT included an Authentication Method, all AUTH packets and any successful CONNACK MUST include an Authentication Method with the same value.',
  },
  {
    id: 'MQTT-4.12.0-6',
    binds: 'server',
    wording:
      'If the CONNECT has no Authentication Method the Server MUST NOT send an AUTH and MUST NOT send an Authentication Method in the CONNACK.',
  },
  {
    id: 'MQTT-4.12.0-7',
    binds: 'client',
    wording: 'If the CONNECT has no Authentication Method the Client MUST NOT send an AUTH to the Server.',
  },
  {
    id: 'MQTT-4.12.1-1',
    binds: 'client',
    wording:
      'A Client that supplied an Authentication Method can re-authenticate at any time after CONNACK with an AUTH of Reason Code 0x19 (Re-authentication), in which it MUST use the same Authentication Method as originally.',
  },
  {
    id: 'MQTT-4.12.1-2',
    binds: 'both',
    wording:
      'If re-authentication fails the Client or Server SHOULD send a DISCONNECT with an appropriate Reason Code and MUST close the Network Connection.',
  },
  {
    id: 'MQTT-4.13.1-1',
    binds: 'server',
    wording:
      'A Server that detects a Malformed Packet or Protocol Error for which a Reason Code is given in the specification MUST close the Network Connection.',
  },
  {
    id: 'MQTT-4.13.2-1',
    binds: 'both',
    wording:
      'If a CONNACK or DISCONNECT Reason Code of 0x80 or greater is specified, the Network Connection MUST be closed whether or not the CONNACK or DISCONNECT is sent.',
  },
  {
    id: 'MQTT-6.0.0-1',
    binds: 'both',
    wording:
      'Over WebSocket, MQTT Control Packets MUST be sent in binary data frames, and a recipient of any other type of data frame MUST close the Network Connection.',
  },
  {
    id: 'MQTT-6.0.0-2',
    binds: 'both',
    wording:
      'A WebSocket frame can contain multiple or partial MQTT Control Packets, and the receiver MUST NOT assume that packets are aligned on frame boundaries.',
  },
  {
    id: 'MQTT-6.0.0-3',
    binds: 'client',
    wording: 'The Client MUST include "mqtt" in the list of WebSocket Sub Protocols it offers.',
  },
  {
    id: 'MQTT-6.0.0-4',
    binds: 'server',
    wording: 'The WebSocket Subprotocol name selected and returned by the Server MUST be "mqtt".',
  },
];
