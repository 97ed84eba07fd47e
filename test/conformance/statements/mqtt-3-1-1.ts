import type { Statement } from './statement.js';

/** The mandatory normative statements of the OASIS Standard MQTT Version 3.1.1, in our words, in the order of their ids. */
export const MQTT_3_1_1: readonly Statement[] = [
  {
    id: 'MQTT-1.5.3-1',
    binds: 'both',
    wording:
      'String data MUST be well-formed UTF-8 (no encodings of U+D800..U+DFFF), and a Server or Client that receives a Control Packet with ill-formed UTF-8 MUST close the Network Connection.',
  },
  {
    id: 'MQTT-1.5.3-2',
    binds: 'both',
    wording:
      'A UTF-8 string MUST NOT encode the null character U+0000, and a receiver of a Control Packet containing it MUST close the Network Connection.',
  },
  {
    id: 'MQTT-1.5.3-3',
    binds: 'both',
    wording:
      'The sequence 0xEF 0xBB 0xBF always means U+FEFF wherever it appears in a string, and a packet receiver MUST NOT skip or strip it.',
  },
  {
    id: 'MQTT-2.2.2-1',
    binds: 'both',
    wording: 'Fixed-header flag bits marked Reserved MUST be set to the values listed in Table 2.2.',
  },
  {
    id: 'MQTT-2.2.2-2',
    binds: 'both',
    wording: 'A receiver of invalid fixed-header flags MUST close the Network Connection.',
  },
  {
    id: 'MQTT-2.3.1-1',
    binds: 'both',
    wording: 'SUBSCRIBE, UNSUBSCRIBE and PUBLISH with QoS > 0 MUST contain a non-zero 16-bit Packet Identifier.',
  },
  {
    id: 'MQTT-2.3.1-2',
    binds: 'client',
    wording:
      'Each time a Client sends a new SUBSCRIBE, UNSUBSCRIBE or QoS > 0 PUBLISH it MUST assign it a currently unused Packet Identifier.',
  },
  {
    id: 'MQTT-2.3.1-3',
    binds: 'client',
    wording:
      'A Client that re-sends a Control Packet MUST use the same Packet Identifier; the identifier is free again only after the corresponding acknowledgement (PUBACK, PUBCOMP, SUBACK or UNSUBACK) is processed.',
  },
  {
    id: 'MQTT-2.3.1-4',
    binds: 'server',
    wording:
      'The same Packet Identifier rules (2.3.1-3) MUST be followed by a Server that sends a PUBLISH with QoS > 0.',
  },
  { id: 'MQTT-2.3.1-5', binds: 'both', wording: 'A PUBLISH with QoS 0 MUST NOT contain a Packet Identifier.' },
  {
    id: 'MQTT-2.3.1-6',
    binds: 'both',
    wording: 'A PUBACK, PUBREC or PUBREL MUST contain the same Packet Identifier as the original PUBLISH.',
  },
  {
    id: 'MQTT-2.3.1-7',
    binds: 'server',
    wording: 'A SUBACK or UNSUBACK MUST contain the Packet Identifier of the corresponding SUBSCRIBE or UNSUBSCRIBE.',
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
    wording: 'The Server MUST treat a second CONNECT from a Client as a protocol violation and disconnect the Client.',
  },
  {
    id: 'MQTT-3.1.2-1',
    binds: 'server',
    wording:
      'If the protocol name is incorrect the Server MAY disconnect or process the CONNECT by some other specification, but MUST NOT continue to process it by this one.',
  },
  {
    id: 'MQTT-3.1.2-2',
    binds: 'server',
    wording:
      'If the Protocol Level is not supported the Server MUST respond with CONNACK return code 0x01 (unacceptable protocol level) and then disconnect the Client.',
  },
  {
    id: 'MQTT-3.1.2-3',
    binds: 'server',
    wording: 'The Server MUST validate that the reserved CONNECT flag is zero and disconnect the Client if it is not.',
  },
  {
    id: 'MQTT-3.1.2-4',
    binds: 'both',
    wording:
      'With CleanSession 0 the Server MUST resume the Session stored for the Client Identifier or create a new one if there is none, and Client and Server MUST store the Session after disconnection.',
  },
  {
    id: 'MQTT-3.1.2-5',
    binds: 'server',
    wording:
      "After a CleanSession 0 Session is disconnected the Server MUST store further QoS 1 and QoS 2 messages that match the Client's subscriptions at that time as part of the Session state.",
  },
  {
    id: 'MQTT-3.1.2-6',
    binds: 'both',
    wording:
      'With CleanSession 1 the Client and Server MUST discard any previous Session and start a new one that lasts as long as the Network Connection, and its state MUST NOT be reused in any later Session.',
  },
  {
    id: 'MQTT-3.1.2-7',
    binds: 'server',
    wording:
      'Retained messages are not part of the Session state in the Server and MUST NOT be deleted when the Session ends.',
  },
  {
    id: 'MQTT-3.1.2-8',
    binds: 'server',
    wording:
      'With Will Flag 1 and an accepted CONNECT, the Will Message MUST be stored on the Server with the Network Connection and MUST be published when that connection closes, unless it was deleted on receipt of a DISCONNECT.',
  },
  {
    id: 'MQTT-3.1.2-9',
    binds: 'client',
    wording: 'If the Will Flag is 1 the Will Topic and Will Message fields MUST be present in the CONNECT payload.',
  },
  {
    id: 'MQTT-3.1.2-10',
    binds: 'server',
    wording:
      'The Will Message MUST be removed from the Session state in the Server once it has been published or a DISCONNECT has been received from the Client.',
  },
  {
    id: 'MQTT-3.1.2-11',
    binds: 'client',
    wording:
      'If the Will Flag is 0 the Will QoS and Will Retain flags MUST be zero and the Will Topic and Will Message fields MUST NOT be present in the payload.',
  },
  {
    id: 'MQTT-3.1.2-12',
    binds: 'server',
    wording: 'If the Will Flag is 0 a Will Message MUST NOT be published when the Network Connection ends.',
  },
  { id: 'MQTT-3.1.2-13', binds: 'client', wording: 'If the Will Flag is 0 the Will QoS MUST be 0.' },
  {
    id: 'MQTT-3.1.2-14',
    binds: 'client',
    wording: 'If the Will Flag is 1 the Will QoS can be 0, 1 or 2 and MUST NOT be 3.',
  },
  { id: 'MQTT-3.1.2-15', binds: 'client', wording: 'If the Will Flag is 0 the Will Retain flag MUST be 0.' },
  {
    id: 'MQTT-3.1.2-16',
    binds: 'server',
    wording: 'With Will Flag 1 and Will Retain 0 the Server MUST publish the Will Message as a non-retained message.',
  },
  {
    id: 'MQTT-3.1.2-17',
    binds: 'server',
    wording: 'With Will Flag 1 and Will Retain 1 the Server MUST publish the Will Message as a retained message.',
  },
  {
    id: 'MQTT-3.1.2-18',
    binds: 'client',
    wording: 'If the User Name Flag is 0 a user name MUST NOT be present in the payload.',
  },
  {
    id: 'MQTT-3.1.2-19',
    binds: 'client',
    wording: 'If the User Name Flag is 1 a user name MUST be present in the payload.',
  },
  {
    id: 'MQTT-3.1.2-20',
    binds: 'client',
    wording: 'If the Password Flag is 0 a password MUST NOT be present in the payload.',
  },
  {
    id: 'MQTT-3.1.2-21',
    binds: 'client',
    wording: 'If the Password Flag is 1 a password MUST be present in the payload.',
  },
  { id: 'MQTT-3.1.2-22', binds: 'client', wording: 'If the User Name Flag is 0 the Password Flag MUST be 0.' },
  {
    id: 'MQTT-3.1.2-23',
    binds: 'client',
    wording:
      'The Client is responsible for keeping the interval between Control Packets within the Keep Alive, and MUST send a PINGREQ if it has no other Control Packet to send.',
  },
  {
    id: 'MQTT-3.1.2-24',
    binds: 'server',
    wording:
      'With a non-zero Keep Alive the Server MUST disconnect a Client from which it receives no Control Packet within one and a half times the Keep Alive, as if the network had failed.',
  },
  {
    id: 'MQTT-3.1.3-1',
    binds: 'client',
    wording:
      'CONNECT payload fields, if present, MUST appear in the order Client Identifier, Will Topic, Will Message, User Name, Password.',
  },
  {
    id: 'MQTT-3.1.3-2',
    binds: 'both',
    wording:
      'The ClientId, unique per Client connecting to the Server, MUST be used by Clients and by Servers to identify the state they hold for the Session between them.',
  },
  {
    id: 'MQTT-3.1.3-3',
    binds: 'client',
    wording: 'The ClientId MUST be present and MUST be the first field in the CONNECT payload.',
  },
  { id: 'MQTT-3.1.3-4', binds: 'client', wording: 'The ClientId MUST be a UTF-8 encoded string.' },
  {
    id: 'MQTT-3.1.3-5',
    binds: 'server',
    wording:
      'The Server MUST allow ClientIds of 1 to 23 UTF-8 bytes that contain only the characters 0-9, a-z and A-Z.',
  },
  {
    id: 'MQTT-3.1.3-6',
    binds: 'server',
    wording:
      'A Server that allows a zero-byte ClientId MUST assign that Client a unique ClientId and MUST then process the CONNECT as if the Client had provided it.',
  },
  {
    id: 'MQTT-3.1.3-7',
    binds: 'client',
    wording: 'A Client that supplies a zero-byte ClientId MUST also set CleanSession to 1.',
  },
  {
    id: 'MQTT-3.1.3-8',
    binds: 'server',
    wording:
      'If a Client supplies a zero-byte ClientId with CleanSession 0 the Server MUST respond with CONNACK return code 0x02 (Identifier rejected) and then close the Network Connection.',
  },
  {
    id: 'MQTT-3.1.3-9',
    binds: 'server',
    wording:
      'A Server that rejects the ClientId MUST respond with CONNACK return code 0x02 (Identifier rejected) and then close the Network Connection.',
  },
  { id: 'MQTT-3.1.3-10', binds: 'client', wording: 'The Will Topic MUST be a UTF-8 encoded string.' },
  { id: 'MQTT-3.1.3-11', binds: 'client', wording: 'The User Name MUST be a UTF-8 encoded string.' },
  {
    id: 'MQTT-3.1.4-1',
    binds: 'server',
    wording:
      'The Server MUST validate that the CONNECT conforms to section 3.1 and close the Network Connection without sending a CONNACK if it does not.',
  },
  {
    id: 'MQTT-3.1.4-2',
    binds: 'server',
    wording: 'If the ClientId is that of a Client already connected, the Server MUST disconnect the existing Client.',
  },
  {
    id: 'MQTT-3.1.4-3',
    binds: 'server',
    wording: 'If CONNECT validation succeeds the Server MUST perform the CleanSession processing.',
  },
  {
    id: 'MQTT-3.1.4-4',
    binds: 'server',
    wording: 'If CONNECT validation succeeds the Server MUST acknowledge with a CONNACK with return code zero.',
  },
  {
    id: 'MQTT-3.1.4-5',
    binds: 'server',
    wording: 'If the Server rejects the CONNECT it MUST NOT process any data the Client sent after the CONNECT.',
  },
  {
    id: 'MQTT-3.2.0-1',
    binds: 'server',
    wording: 'The first packet sent from the Server to the Client MUST be a CONNACK.',
  },
  {
    id: 'MQTT-3.2.2-1',
    binds: 'server',
    wording:
      'A Server that accepts a connection with CleanSession 1 MUST set Session Present to 0 together with return code zero in the CONNACK.',
  },
  {
    id: 'MQTT-3.2.2-2',
    binds: 'server',
    wording:
      'A Server that accepts a connection with CleanSession 0 and has stored Session state for the ClientId MUST set Session Present to 1 in the CONNACK.',
  },
  {
    id: 'MQTT-3.2.2-3',
    binds: 'server',
    wording:
      'If the Server has no stored Session state it MUST set Session Present to 0 together with return code zero in the CONNACK.',
  },
  {
    id: 'MQTT-3.2.2-4',
    binds: 'server',
    wording: 'A Server that sends a CONNACK with a non-zero return code MUST set Session Present to 0.',
  },
  {
    id: 'MQTT-3.2.2-5',
    binds: 'server',
    wording: 'A Server that sends a CONNACK with a non-zero return code MUST then close the Network Connection.',
  },
  {
    id: 'MQTT-3.2.2-6',
    binds: 'server',
    wording:
      'If no listed Connect return code applies the Server MUST close the Network Connection without sending a CONNACK.',
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
      'The DUP flag of an incoming PUBLISH is not propagated to subscribers; in the outgoing PUBLISH it MUST be determined solely by whether that packet is a retransmission.',
  },
  {
    id: 'MQTT-3.3.1-4',
    binds: 'both',
    wording:
      'A PUBLISH MUST NOT have both QoS bits set, and a Server or Client that receives such a PUBLISH MUST close the Network Connection.',
  },
  {
    id: 'MQTT-3.3.1-5',
    binds: 'server',
    wording:
      "If a Client's PUBLISH has RETAIN 1 the Server MUST store the Application Message and its QoS for delivery to future matching subscribers.",
  },
  {
    id: 'MQTT-3.3.1-6',
    binds: 'server',
    wording:
      'When a new subscription is established the last retained message, if any, on each matching topic name MUST be sent to the subscriber.',
  },
  {
    id: 'MQTT-3.3.1-7',
    binds: 'server',
    wording:
      'A Server that receives a QoS 0 message with RETAIN 1 MUST discard any message previously retained for that topic; it SHOULD store the new one but MAY discard it at any time.',
  },
  {
    id: 'MQTT-3.3.1-8',
    binds: 'server',
    wording: 'The Server MUST set RETAIN to 1 in a PUBLISH sent as the result of a new subscription by the Client.',
  },
  {
    id: 'MQTT-3.3.1-9',
    binds: 'server',
    wording:
      'The Server MUST set RETAIN to 0 in a PUBLISH sent because it matches an established subscription, whatever the flag was in the received message.',
  },
  {
    id: 'MQTT-3.3.1-10',
    binds: 'server',
    wording:
      'A PUBLISH with RETAIN 1 and a zero-byte payload is processed as normal and sent to matching subscribers, and any retained message with the same topic name MUST be removed so that future subscribers do not receive one.',
  },
  {
    id: 'MQTT-3.3.1-11',
    binds: 'server',
    wording: 'A zero-byte retained message MUST NOT be stored as a retained message on the Server.',
  },
  {
    id: 'MQTT-3.3.1-12',
    binds: 'server',
    wording:
      "If a Client's PUBLISH has RETAIN 0 the Server MUST NOT store the message as retained and MUST NOT remove or replace any existing retained message.",
  },
  {
    id: 'MQTT-3.3.2-1',
    binds: 'both',
    wording:
      'The Topic Name MUST be present as the first field of the PUBLISH variable header and MUST be a UTF-8 encoded string.',
  },
  { id: 'MQTT-3.3.2-2', binds: 'both', wording: 'The Topic Name in a PUBLISH MUST NOT contain wildcard characters.' },
  {
    id: 'MQTT-3.3.2-3',
    binds: 'server',
    wording:
      "The Topic Name in a PUBLISH sent by a Server to a subscribing Client MUST match the subscription's Topic Filter.",
  },
  {
    id: 'MQTT-3.3.4-1',
    binds: 'both',
    wording:
      'The receiver of a PUBLISH MUST respond as its QoS determines: nothing for QoS 0, PUBACK for QoS 1, PUBREC for QoS 2.',
  },
  {
    id: 'MQTT-3.3.5-1',
    binds: 'server',
    wording:
      "When a Client's subscriptions overlap the Server MUST deliver the message respecting the maximum QoS of all the matching subscriptions.",
  },
  {
    id: 'MQTT-3.3.5-2',
    binds: 'server',
    wording:
      'A Server that does not authorize a PUBLISH MUST either acknowledge it positively by the normal QoS rules or close the Network Connection.',
  },
  {
    id: 'MQTT-3.6.1-1',
    binds: 'both',
    wording:
      'Bits 3-0 of the PUBREL fixed header MUST be 0,0,1,0, and the Server MUST treat any other value as malformed and close the Network Connection.',
  },
  {
    id: 'MQTT-3.8.1-1',
    binds: 'both',
    wording:
      'Bits 3-0 of the SUBSCRIBE fixed header MUST be 0,0,1,0, and the Server MUST treat any other value as malformed and close the Network Connection.',
  },
  {
    id: 'MQTT-3.8.3-1',
    binds: 'client',
    wording: 'The Topic Filters in a SUBSCRIBE payload MUST be UTF-8 encoded strings.',
  },
  {
    id: 'MQTT-3.8.3-2',
    binds: 'server',
    wording:
      'A Server that does not support Topic Filters with wildcard characters MUST reject any subscription request whose filter contains them.',
  },
  {
    id: 'MQTT-3.8.3-3',
    binds: 'client',
    wording:
      'A SUBSCRIBE payload MUST contain at least one Topic Filter / QoS pair; a SUBSCRIBE with no payload is a protocol violation.',
  },
  {
    id: 'MQTT-3.8.3-4',
    binds: 'server',
    wording:
      'The Server MUST treat a SUBSCRIBE as malformed and close the Network Connection if any reserved payload bit is non-zero or the QoS is not 0, 1 or 2.',
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
      'A SUBSCRIBE whose Topic Filter is identical to that of an existing subscription MUST completely replace it; matching retained messages MUST be re-sent and the flow of publications MUST NOT be interrupted.',
  },
  {
    id: 'MQTT-3.8.4-4',
    binds: 'server',
    wording:
      'The Server MUST handle a SUBSCRIBE with multiple Topic Filters as a sequence of SUBSCRIBE packets, except that it combines their responses into one SUBACK.',
  },
  {
    id: 'MQTT-3.8.4-5',
    binds: 'server',
    wording:
      'The SUBACK MUST contain a return code for each Topic Filter/QoS pair, which MUST show either the granted maximum QoS or that the subscription failed.',
  },
  {
    id: 'MQTT-3.8.4-6',
    binds: 'server',
    wording:
      'The Server might grant a lower QoS than requested, and the QoS of messages sent for a subscription MUST be the minimum of the published QoS and the granted maximum QoS.',
  },
  {
    id: 'MQTT-3.9.3-1',
    binds: 'server',
    wording: 'The order of return codes in the SUBACK MUST match the order of Topic Filters in the SUBSCRIBE.',
  },
  {
    id: 'MQTT-3.9.3-2',
    binds: 'server',
    wording: 'SUBACK return codes other than 0x00, 0x01, 0x02 and 0x80 are reserved and MUST NOT be used.',
  },
  {
    id: 'MQTT-3.10.1-1',
    binds: 'both',
    wording:
      'Bits 3-0 of the UNSUBSCRIBE fixed header MUST be 0,0,1,0, and the Server MUST treat any other value as malformed and close the Network Connection.',
  },
  {
    id: 'MQTT-3.10.3-1',
    binds: 'client',
    wording: 'The Topic Filters in an UNSUBSCRIBE MUST be UTF-8 encoded strings, packed contiguously.',
  },
  {
    id: 'MQTT-3.10.3-2',
    binds: 'client',
    wording:
      'An UNSUBSCRIBE payload MUST contain at least one Topic Filter; an UNSUBSCRIBE with no payload is a protocol violation.',
  },
  {
    id: 'MQTT-3.10.4-1',
    binds: 'server',
    wording:
      'The Topic Filters of an UNSUBSCRIBE MUST be compared character by character with those the Server holds for the Client, and a subscription whose filter matches exactly is deleted.',
  },
  {
    id: 'MQTT-3.10.4-2',
    binds: 'server',
    wording: 'A Server that deletes a subscription MUST stop adding new messages for delivery to the Client.',
  },
  {
    id: 'MQTT-3.10.4-3',
    binds: 'server',
    wording:
      'A Server that deletes a subscription MUST complete the delivery of any QoS 1 or QoS 2 messages it has started to send to the Client.',
  },
  {
    id: 'MQTT-3.10.4-4',
    binds: 'server',
    wording: 'The Server MUST respond to an UNSUBSCRIBE with an UNSUBACK, which MUST have the same Packet Identifier.',
  },
  {
    id: 'MQTT-3.10.4-5',
    binds: 'server',
    wording: 'Even where no subscription is deleted the Server MUST respond with an UNSUBACK.',
  },
  {
    id: 'MQTT-3.10.4-6',
    binds: 'server',
    wording:
      'The Server MUST handle an UNSUBSCRIBE with multiple Topic Filters as a sequence of UNSUBSCRIBE packets, except that it sends just one UNSUBACK.',
  },
  { id: 'MQTT-3.12.4-1', binds: 'server', wording: 'The Server MUST send a PINGRESP in response to a PINGREQ.' },
  {
    id: 'MQTT-3.14.1-1',
    binds: 'server',
    wording:
      'The Server MUST validate that the reserved bits of a DISCONNECT are zero and disconnect the Client if they are not.',
  },
  {
    id: 'MQTT-3.14.4-1',
    binds: 'client',
    wording: 'After sending a DISCONNECT the Client MUST close the Network Connection.',
  },
  {
    id: 'MQTT-3.14.4-2',
    binds: 'client',
    wording: 'After sending a DISCONNECT the Client MUST NOT send any more Control Packets on that Network Connection.',
  },
  {
    id: 'MQTT-3.14.4-3',
    binds: 'server',
    wording:
      'On receipt of a DISCONNECT the Server MUST discard any Will Message of the current connection without publishing it.',
  },
  {
    id: 'MQTT-4.1.0-1',
    binds: 'both',
    wording: 'The Client and Server MUST store Session state for the entire duration of the Session.',
  },
  {
    id: 'MQTT-4.1.0-2',
    binds: 'both',
    wording: 'A Session MUST last at least as long as it has an active Network Connection.',
  },
  { id: 'MQTT-4.3.1-1', binds: 'both', wording: 'A QoS 0 sender MUST send the PUBLISH with QoS 0 and DUP 0.' },
  {
    id: 'MQTT-4.3.2-1',
    binds: 'both',
    wording:
      'A QoS 1 sender MUST assign an unused Packet Identifier to each new message, MUST send the PUBLISH with it and with QoS 1 and DUP 0, and MUST treat it as unacknowledged until it has received the corresponding PUBACK.',
  },
  {
    id: 'MQTT-4.3.2-2',
    binds: 'both',
    wording:
      'A QoS 1 receiver MUST respond with a PUBACK with the Packet Identifier of the PUBLISH, having accepted ownership, and afterwards MUST treat an incoming PUBLISH with that identifier as a new publication whatever its DUP flag.',
  },
  {
    id: 'MQTT-4.3.3-1',
    binds: 'both',
    wording:
      'A QoS 2 sender MUST assign an unused Packet Identifier, MUST send the PUBLISH with QoS 2 and DUP 0, MUST treat it as unacknowledged until PUBREC, MUST answer PUBREC with a PUBREL of the same identifier, MUST treat that as unacknowledged until PUBCOMP, and MUST NOT re-send the PUBLISH once it has sent the PUBREL.',
  },
  {
    id: 'MQTT-4.3.3-2',
    binds: 'both',
    wording:
      'A QoS 2 receiver MUST answer the PUBLISH with a PUBREC of the same Packet Identifier, MUST acknowledge repeats with PUBREC until PUBREL and MUST NOT deliver duplicates onward, MUST answer PUBREL with PUBCOMP, and after PUBCOMP MUST treat that identifier as a new publication.',
  },
  {
    id: 'MQTT-4.4.0-1',
    binds: 'both',
    wording:
      'When a Client reconnects with CleanSession 0 both Client and Server MUST re-send any unacknowledged QoS > 0 PUBLISH and any PUBREL with their original Packet Identifiers.',
  },
  {
    id: 'MQTT-4.5.0-1',
    binds: 'server',
    wording:
      'A Server that takes ownership of an incoming Application Message MUST add it to the Session state of the Clients with matching subscriptions.',
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
      'A Server MUST by default treat each Topic as an Ordered Topic; it MAY provide a mechanism to treat some as unordered.',
  },
  {
    id: 'MQTT-4.6.0-6',
    binds: 'server',
    wording:
      'For an Ordered Topic the Server MUST follow the ordering rules above when delivering to each subscriber and MUST send PUBLISH packets (same Topic and QoS) to consumers in the order they were received from any given Client.',
  },
  {
    id: 'MQTT-4.7.1-1',
    binds: 'both',
    wording: 'Wildcard characters can be used in Topic Filters but MUST NOT be used within a Topic Name.',
  },
  {
    id: 'MQTT-4.7.1-2',
    binds: 'both',
    wording:
      'The multi-level wildcard MUST stand alone or follow a topic level separator, and MUST be the last character of the Topic Filter.',
  },
  {
    id: 'MQTT-4.7.1-3',
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
    wording: 'Topic Names and Topic Filters are UTF-8 encoded strings and MUST NOT encode to more than 65535 bytes.',
  },
  {
    id: 'MQTT-4.7.3-4',
    binds: 'server',
    wording:
      'In subscription matching the Server MUST NOT normalize Topic Names or Topic Filters, nor modify or substitute unrecognized characters.',
  },
  {
    id: 'MQTT-4.8.0-1',
    binds: 'both',
    wording:
      'Unless stated otherwise, a Server or Client that encounters a protocol violation MUST close the Network Connection on which it received the offending Control Packet.',
  },
  {
    id: 'MQTT-4.8.0-2',
    binds: 'both',
    wording:
      'A Client or Server that encounters a Transient Error while processing an inbound Control Packet MUST close the Network Connection on which it received it.',
  },
  {
    id: 'MQTT-6.0.0-1',
    binds: 'both',
    wording:
      'Over WebSocket, Control Packets MUST be sent in binary data frames, and a recipient of any other type of data frame MUST close the Network Connection.',
  },
  {
    id: 'MQTT-6.0.0-2',
    binds: 'both',
    wording:
      'A WebSocket frame can contain multiple or partial Control Packets, and the receiver MUST NOT assume that packets are aligned on frame boundaries.',
  },
  {
    id: 'MQTT-6.0.0-3',
    binds: 'client',
    wording: 'The Client MUST include "mqtt" in the list of WebSocket Sub Protocols it offers.',
  },
  {
    id: 'MQTT-6.0.0-4',
    binds: 'server',
    wording: 'The WebSocket Sub Protocol name selected and returned by the Server MUST be "mqtt".',
  },
  {
    id: 'MQTT-7.0.0-1',
    binds: 'server',
    wording:
      'A Server that both accepts inbound connections and establishes outbound connections to other Servers MUST conform as both an MQTT Client and an MQTT Server.',
  },
  {
    id: 'MQTT-7.0.0-2',
    binds: 'both',
    wording:
      'Conformant implementations MUST NOT require extensions defined outside the specification in order to interoperate with any other conformant implementation.',
  },
  {
    id: 'MQTT-7.1.1-1',
    binds: 'server',
    wording:
      'A conformant Server MUST support one or more underlying transport protocols that provide an ordered, lossless stream of bytes in both directions.',
  },
  {
    id: 'MQTT-7.1.2-1',
    binds: 'client',
    wording:
      'A conformant Client MUST support one or more underlying transport protocols that provide an ordered, lossless stream of bytes in both directions.',
  },
];
