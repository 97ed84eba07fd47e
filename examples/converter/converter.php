<?php
// temp/celsius in, temp/fahrenheit and temp/kelvin out: php converter.php [HOST [PORT]]
[$host, $port] = array_slice($argv, 1) + ['localhost', '1883'];
$at = '-h ' . escapeshellarg($host) . ' -p ' . escapeshellarg($port);

$celsius = popen("cauldron sub $at -t temp/celsius", 'r');
$fahrenheit = popen("cauldron pub $at -t temp/fahrenheit -l", 'w');
$kelvin = popen("cauldron pub $at -t temp/kelvin -l", 'w');

while (($line = fgets($celsius)) !== false) {
    fwrite($fahrenheit, round((float) $line * 1.8 + 32, 2) . "\n");
    fwrite($kelvin, round((float) $line + 273.15, 2) . "\n");
}
