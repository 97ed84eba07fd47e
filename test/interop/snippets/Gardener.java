import org.fusesource.mqtt.client.BlockingConnection;
import org.fusesource.mqtt.client.MQTT;
import org.fusesource.mqtt.client.Message;
import org.fusesource.mqtt.client.QoS;
import org.fusesource.mqtt.client.Topic;

public class Gardener {
    public static void main(String[] arguments) throws Exception {
        MQTT mqtt = new MQTT();
        mqtt.setHost("localhost", 1883);
        mqtt.setVersion("3.1.1");
        BlockingConnection connection = mqtt.blockingConnection();
        connection.connect();
        connection.subscribe(new Topic[] {new Topic("garden/#", QoS.AT_LEAST_ONCE)});
        connection.publish("garden/temperature", "21.5".getBytes(), QoS.AT_LEAST_ONCE, false);
        Message message = connection.receive();
        System.out.println(message.getTopic() + " " + new String(message.getPayload()));
        message.ack();
        connection.disconnect();
    }
}
