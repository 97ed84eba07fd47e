#include <mqtt/async_client.h>

#include <iostream>

int main() {
    mqtt::async_client client("tcp://localhost:1883", "gardener");
    client.start_consuming();
    client.connect()->wait();
    client.subscribe("garden/#", 1)->wait();
    client.publish("garden/temperature", "21.5", 1, false)->wait();
    const auto message = client.consume_message();
    std::cout << message->get_topic() << ' ' << message->to_string() << std::endl;
    client.disconnect()->wait();
}
