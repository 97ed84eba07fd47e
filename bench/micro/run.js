export async function runMicro() {
  return true;
}
