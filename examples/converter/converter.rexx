/* temp/celsius in, temp/fahrenheit and temp/kelvin out:
   cauldron sub -h HOST -p PORT -t temp/celsius | rexx ./converter.rexx HOST PORT */
parse arg host port .
if host = '' then host = 'localhost'
if port = '' then port = 1883
pub = 'cauldron pub -h' host '-p' port

do forever
  celsius = linein()
  if celsius = '' then exit
  address system pub '-t temp/fahrenheit -m' (celsius * 1.8 + 32) / 1
  address system pub '-t temp/kelvin -m' (celsius + 273.15) / 1
end
