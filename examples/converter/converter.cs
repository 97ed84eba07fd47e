// temp/celsius in, temp/fahrenheit and temp/kelvin out, with the package MQTTnet (4.x): dotnet run [HOST [PORT]]
using System.Globalization;
using MQTTnet;
using MQTTnet.Client;

var invariant = CultureInfo.InvariantCulture;
var host = args.ElementAtOrDefault(0) ?? "localhost";
var port = int.Parse(args.ElementAtOrDefault(1) ?? "1883", invariant);

using var client = new MqttFactory().CreateMqttClient();
client.ApplicationMessageReceivedAsync += async received =>
{
    var celsius = decimal.Parse(received.ApplicationMessage.ConvertPayloadToString(), invariant);
    await client.PublishStringAsync("temp/fahrenheit", (celsius * 1.8m + 32).ToString("0.##", invariant));
    await client.PublishStringAsync("temp/kelvin", (celsius + 273.15m).ToString("0.##", invariant));
};
await client.ConnectAsync(new MqttClientOptionsBuilder().WithTcpServer(host, port).Build());
await client.SubscribeAsync("temp/celsius");
await Task.Delay(Timeout.Infinite);
