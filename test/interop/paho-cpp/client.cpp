// Paho C++, made usable by lines of text: client HOST PORT VERSION CLIENT_ID. The lines: ../line-client.ts
#include <mqtt/async_client.h>

#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>

namespace {

// Prints a line; the library's threads do so too.
void print(const std::string& line) {
    static std::mutex mutex;
    const std::lock_guard<std::mutex> lock(mutex);
    std::cout << line << std::endl;
}

void print_property(const mqtt::property& property) {
    const auto& value = property.c_struct().value;
    auto text = std::string(value.data.data, value.data.len);
    if (property.type() == mqtt::property::USER_PROPERTY) text += ' ' + std::string(value.value.data, value.value.len);
    print("property " + std::to_string(property.type()) + ' ' + text);
}

// Called in a thread of the library.
void print_message(const mqtt::const_message_ptr& message) {
    const auto& properties = message->get_properties().c_struct();
    for (int i = 0; i < properties.count; i++) print_property(mqtt::property(properties.array[i]));
    const auto flags = std::to_string(message->get_qos()) + (message->is_retained() ? " 1 " : " 0 ");
    print("received " + message->get_topic() + ' ' + flags + message->to_string());
}

// What follows on one line after a word and a space.
std::string rest_of(std::istream& line) {
    std::string rest;
    line.ignore(1);
    std::getline(line, rest);
    return rest;
}

// Reads TOPIC QOS RETAIN TEXT.
mqtt::message_ptr message_of(std::istream& line) {
    std::string topic;
    int qos = 0;
    bool retain = false;
    line >> topic >> qos >> retain;
    return mqtt::make_message(topic, rest_of(line), qos, retain);
}

mqtt::property property_of(std::istream& line) {
    int identifier = 0;
    line >> identifier;
    const auto code = mqtt::property::code(identifier);
    if (code != mqtt::property::USER_PROPERTY) return {code, rest_of(line)};
    std::string name;
    line >> name;
    return {code, name, rest_of(line)};
}

class program {
    const std::string address_, client_id_;
    const int version_;
    std::unique_ptr<mqtt::async_client> client_;
    mqtt::connect_options options_;
    mqtt::properties properties_;

    // Reads CLEAN TRANSPORT [CA_FILE].
    void connect(std::istream& line) {
        bool clean = true;
        std::string transport, ca_file;
        line >> clean >> transport >> ca_file;
        const auto scheme = transport == "tls" ? "ssl" : transport;
        client_ = std::make_unique<mqtt::async_client>(scheme + "://" + address_, client_id_,
                                                       mqtt::create_options(version_));
        client_->set_message_callback(print_message);
        client_->set_connection_lost_handler([](const std::string&) { print("lost"); });
        // What the broker says before it ends a connection of MQTT 5.0.
        client_->set_disconnected_handler([](const mqtt::properties&, mqtt::ReasonCode) { print("lost"); });
        if (version_ < 5) options_.set_clean_session(clean);
        else options_.set_clean_start(clean);
        if (version_ == 5 && !clean) options_.set_properties({{mqtt::property::SESSION_EXPIRY_INTERVAL, 3600}});
        if (!ca_file.empty()) {
            mqtt::ssl_options tls;
            tls.set_trust_store(ca_file);
            tls.set_verify(true);
            options_.set_ssl(tls);
        }
        const auto response = client_->connect(options_)->get_connect_response();
        print(response.is_session_present() ? "connected 1" : "connected 0");
    }

public:
    program(const std::string& host, const std::string& port, int version, const std::string& client_id)
        : address_(host + ":" + port), client_id_(client_id), version_(version) {
        options_.set_mqtt_version(version);
    }

    // Returns whether more commands may follow.
    bool run(const std::string& command, std::istream& line) {
        if (command == "will") {
            options_.set_will_message(message_of(line));
        } else if (command == "connect") {
            connect(line);
        } else if (command == "subscribe") {
            std::string filter;
            int qos = 0;
            line >> filter >> qos;
            const auto response = client_->subscribe(filter, qos)->get_subscribe_response();
            print("subscribed " + std::to_string(response.get_reason_codes().at(0)));
        } else if (command == "property") {
            properties_.add(property_of(line));
        } else if (command == "publish") {
            const auto message = message_of(line);
            message->set_properties(properties_);
            properties_.clear();
            client_->publish(message)->wait();
            print("published");
        } else if (command == "disconnect") {
            client_->disconnect()->wait();
            print("disconnected");
            return false;
        }
        return true;
    }
};

}  // namespace

int main(int argc, char* argv[]) {
    if (argc != 5) return 2;
    try {
        program program(argv[1], argv[2], std::stoi(argv[3]), argv[4]);
        for (std::string text; std::getline(std::cin, text);) {
            std::istringstream line(text);
            std::string command;
            line >> command;
            if (!program.run(command, line)) break;
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << std::endl;
        return 1;
    }
    return 0;
}
