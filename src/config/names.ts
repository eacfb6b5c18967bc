/**
 * Checks of names. Each returns null, or what is wrong and what would do, to follow the quoted
 * name.
 * Node and Eip names are RFC 1123 subdomains, as Kubernetes has them (apimachinery's
 * validation.IsDNS1123Subdomain), so that what is set up on hosts can move to a cluster as it is.
 */

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const qualifiedName = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

export function whyNotSubdomain(name: string): string | null {
  if (name === '') return 'is empty: write a name such as web-1.';
  if (name.length > 253) return 'is longer than 253 characters.';
  if (subdomain.test(name)) return null;
  const mended = name.toLowerCase().replace(/[_\s]/g, '-');
  const advice = subdomain.test(mended) ? `write ${mended}.` : 'as in web-1 or web.example.';
  return `is not a name of lower-case letters, digits, "-" and ".", with a letter or digit at both ends: ${advice}`;
}

/** `name` or `prefix/name`, as Kubernetes has label and annotation keys. */
export function whyNotLabelKey(key: string): string | null {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  if (slash >= 0 && (slash > 253 || !subdomain.test(key.slice(0, slash)))) {
    return 'has no valid prefix before its "/": write one as in example.com/rack.';
  }
  if (name.length > 63) return 'is a label of more than 63 characters.';
  if (qualifiedName.test(name)) return null;
  return 'is not a label: write letters, digits, "-", "_" and ".", with a letter or digit at both ends.';
}

export function whyNotLabelValue(value: string): string | null {
  if (value.length > 63) return 'is a label value of more than 63 characters.';
  if (value === '' || qualifiedName.test(value)) return null;
  return 'is not a label value: write letters, digits, "-", "_" and ".", with a letter or digit at both ends, or nothing.';
}

/** A network interface's name: at most 15 bytes (IFNAMSIZ), as the kernel's dev_valid_name(). */
export function whyNotInterface(name: string): string | null {
  if (name === '') return 'is empty: write the name of an interface, as in eth0.';
  if (name === 'lo') return 'is the loopback interface, which reaches no one: name one that is on the LAN.';
  if (Buffer.byteLength(name) > 15) return 'is longer than the 15 bytes of an interface name.';
  if (name === '.' || name === '..' || /[/:\s]/.test(name)) {
    return 'is not the name of an interface: write one without "/", ":" and white space.';
  }
  return null;
}
