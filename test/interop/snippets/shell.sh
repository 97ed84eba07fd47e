mosquitto_pub -h localhost -p 1883 -t garden/temperature -q 1 -r -m 21.5
mosquitto_sub -h localhost -p 1883 -t 'garden/#' -q 1 -v -C 1
mosquitto_pub -h localhost -p 1883 -t garden/temperature -q 1 -r -n
