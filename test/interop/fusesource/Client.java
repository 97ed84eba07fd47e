import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.fusesource.mqtt.client.BlockingConnection;
import org.fusesource.mqtt.client.MQTT;
import org.fusesource.mqtt.client.Message;
import org.fusesource.mqtt.client.QoS;
import org.fusesource.mqtt.client.Topic;
import org.fusesource.mqtt.client.Tracer;
import org.fusesource.mqtt.codec.CONNACK;
import org.fusesource.mqtt.codec.MQTTFrame;
import org.fusesource.mqtt.codec.PUBLISH;

/** FuseSource's client, made usable by lines of text: Client HOST PORT VERSION CLIENT_ID. The lines: ../line-client.ts */
public final class Client {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final MQTT mqtt = new MQTT();
    private final Packets packets = new Packets();
    private final String address;
    private BlockingConnection connection;
    private volatile boolean leaving;

    private Client(String host, String port, String version, String clientId) {
        address = host + ":" + port;
        mqtt.setVersion(version.equals("3") ? "3.1" : "3.1.1");
        mqtt.setClientId(clientId);
        mqtt.setConnectAttemptsMax(0);
        mqtt.setReconnectAttemptsMax(0);
        mqtt.setTracer(packets);
    }

    /** The client tells neither QoS nor RETAIN of a message, nor whether the session was there; the packets do. */
    private static final class Packets extends Tracer {
        volatile int sessionPresent;
        final Queue<String> qosAndRetain = new ConcurrentLinkedQueue<>();

        @Override
        public void onReceive(MQTTFrame frame) {
            if (frame.messageType() == CONNACK.TYPE) sessionPresent = frame.buffers[0].get(0) & 1;
            else if (frame.messageType() == PUBLISH.TYPE) {
                qosAndRetain.add(frame.qos().ordinal() + " " + (frame.retain() ? 1 : 0));
            }
        }
    }

    /** A connection trusts the certificates of this file only. */
    private static SSLContext trust(String file) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream certificate = Files.newInputStream(Path.of(file))) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(certificate));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    /** Takes CLEAN TRANSPORT [CA_FILE]. */
    private void connect(String[] words) throws Exception {
        mqtt.setCleanSession(words[1].equals("1"));
        if (words.length > 3) mqtt.setSslContext(trust(words[3]));
        mqtt.setHost(words[2] + "://" + address);
        connection = mqtt.blockingConnection();
        connection.connect();
        OUT.println("connected " + packets.sessionPresent);
        Thread receiver = new Thread(this::receive);
        receiver.setDaemon(true);
        receiver.start();
    }

    private void receive() {
        try {
            while (true) {
                Message message = connection.receive();
                String text = new String(message.getPayload(), StandardCharsets.UTF_8);
                OUT.println("received " + message.getTopic() + " " + packets.qosAndRetain.remove() + " " + text);
                message.ack();
            }
        } catch (Exception error) {
            if (!leaving) OUT.println("lost");
        }
    }

    /** Returns whether more commands may follow. */
    private boolean run(String line) throws Exception {
        String[] words = line.split(" ");
        String[] message = line.split(" ", 5); // command, topic, QoS, RETAIN, text
        switch (words[0]) {
            case "will" -> {
                mqtt.setWillTopic(message[1]);
                mqtt.setWillQos(QoS.values()[Integer.parseInt(message[2])]);
                mqtt.setWillRetain(message[3].equals("1"));
                mqtt.setWillMessage(message[4]);
            }
            case "connect" -> connect(words);
            case "subscribe" -> {
                Topic topic = new Topic(words[1], QoS.values()[Integer.parseInt(words[2])]);
                OUT.println("subscribed " + (connection.subscribe(new Topic[] {topic})[0] & 0xff));
            }
            case "publish" -> {
                QoS qos = QoS.values()[Integer.parseInt(message[2])];
                connection.publish(message[1], message[4].getBytes(StandardCharsets.UTF_8), qos, message[3].equals("1"));
                OUT.println("published");
            }
            case "disconnect" -> {
                leaving = true;
                connection.disconnect();
                OUT.println("disconnected");
                return false;
            }
            default -> throw new IllegalArgumentException(line);
        }
        return true;
    }

    public static void main(String[] arguments) throws Exception {
        Client client = new Client(arguments[0], arguments[1], arguments[2], arguments[3]);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null && client.run(line); line = commands.readLine()) {}
        System.exit(0); // threads of the library would go on
    }
}
