// temp/celsius in, temp/fahrenheit and temp/kelvin out: java Converter [HOST [PORT]]
import java.math.BigDecimal;
import org.fusesource.mqtt.client.BlockingConnection;
import org.fusesource.mqtt.client.MQTT;
import org.fusesource.mqtt.client.QoS;
import org.fusesource.mqtt.client.Topic;

public class Converter {
    public static void main(String[] arguments) throws Exception {
        MQTT mqtt = new MQTT();
        mqtt.setVersion("3.1.1");
        mqtt.setHost(arguments.length > 0 ? arguments[0] : "localhost", arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1883);
        BlockingConnection connection = mqtt.blockingConnection();
        connection.connect();
        connection.subscribe(new Topic[] {new Topic("temp/celsius", QoS.AT_MOST_ONCE)});
        for (;;) {
            BigDecimal celsius = new BigDecimal(new String(connection.receive().getPayload()).trim());
            publish(connection, "temp/fahrenheit", celsius.multiply(new BigDecimal("1.8")).add(new BigDecimal(32)));
            publish(connection, "temp/kelvin", celsius.add(new BigDecimal("273.15")));
        }
    }

    private static void publish(BlockingConnection connection, String topic, BigDecimal value) throws Exception {
        connection.publish(topic, value.stripTrailingZeros().toPlainString().getBytes(), QoS.AT_MOST_ONCE, false);
    }
}
