# temp/celsius in, temp/fahrenheit and temp/kelvin out: ruby converter.rb [HOST [PORT]]
host, port = ARGV[0] || 'localhost', ARGV[1] || '1883'
tool = ->(mode, command, topic, *flags) { IO.popen(['cauldron', command, '-h', host, '-p', port, '-t', topic, *flags], mode) }

fahrenheit = tool.('w', 'pub', 'temp/fahrenheit', '-l')
kelvin = tool.('w', 'pub', 'temp/kelvin', '-l')
[fahrenheit, kelvin].each { |pipe| pipe.sync = true }

tool.('r', 'sub', 'temp/celsius').each_line do |celsius|
  fahrenheit.puts format('%g', celsius.to_f * 1.8 + 32)
  kelvin.puts format('%g', celsius.to_f + 273.15)
end
