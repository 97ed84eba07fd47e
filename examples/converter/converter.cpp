// temp/celsius in, temp/fahrenheit and temp/kelvin out:
// c++ -o converter converter.cpp -lpaho-mqttpp3 -lpaho-mqtt3as; converter [HOST [PORT]]
#include <mqtt/async_client.h>

#include <sstream>
#include <string>

static std::string text(double value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

int main(int argc, char *argv[]) {
    const std::string host = argc > 1 ? argv[1] : "localhost", port = argc > 2 ? argv[2] : "1883";
    mqtt::async_client client("tcp://" + host + ":" + port, "");
    client.start_consuming();
    client.connect()->wait();
    client.subscribe("temp/celsius", 0)->wait();
    while (const auto message = client.consume_message()) {
        const double celsius = std::stod(message->to_string());
        client.publish("temp/fahrenheit", text(celsius * 1.8 + 32), 0, false);
        client.publish("temp/kelvin", text(celsius + 273.15), 0, false);
    }
}
