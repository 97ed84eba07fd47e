# temp/celsius in, temp/fahrenheit and temp/kelvin out: perl converter.pl [HOST [PORT]]
use v5.10;
use strict;
use warnings;
use IO::Handle;

my @at = ('-h', $ARGV[0] // 'localhost', '-p', $ARGV[1] // 1883);
open my $celsius,    '-|', 'cauldron', 'sub', @at, '-t', 'temp/celsius'          or die $!;
open my $fahrenheit, '|-', 'cauldron', 'pub', @at, '-t', 'temp/fahrenheit', '-l' or die $!;
open my $kelvin,     '|-', 'cauldron', 'pub', @at, '-t', 'temp/kelvin', '-l'     or die $!;
$_->autoflush for $fahrenheit, $kelvin;

while (<$celsius>) {
    printf $fahrenheit "%g\n", $_ * 1.8 + 32;
    printf $kelvin "%g\n", $_ + 273.15;
}
