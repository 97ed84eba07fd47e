/**
 * Options of Mosquitto that Cauldron does not have yet. They are refused by name: to accept `password_file` without
 * asking for passwords would be worse than not to start.
 */
export const NOT_YET: ReadonlySet<string> = new Set(
  `acl_file auth_plugin auth_plugin_deny_special_chars check_retain_source
  enable_control_api global_max_clients global_plugin include_dir log_facility max_inflight_bytes
  memory_limit message_size_limit password_file plugin plugin_load plugin_use
  psk_file retain_expiry_interval retry_interval bind_interface enable_proxy_protocol
  proxy_protocol_v2_require_tls http_dir packet_buffer_size
  websockets_headers_size websockets_log_level websockets_origin crlfile dhparamfile disable_client_cert_date_checks
  tls_engine tls_engine_kpass_sha1 tls_keyform psk_hint connection
  address addresses bridge_alpn bridge_attempt_unsubscribe bridge_bind_address bridge_cafile bridge_capath
  bridge_certfile bridge_ciphers bridge_ciphers_tls1.3 bridge_identity bridge_insecure bridge_keyfile
  bridge_max_packet_size bridge_max_topic_alias bridge_outgoing_retain bridge_protocol_version bridge_psk
  bridge_receive_maximum bridge_reload_type bridge_require_ocsp bridge_session_expiry_interval bridge_tcp_keepalive
  bridge_tcp_user_timeout bridge_tls_use_os_certs bridge_tls_version cleansession clientid idle_timeout
  keepalive_interval local_cleansession local_clientid local_password local_username notification_topic notifications
  notifications_local_only password remote_clientid remote_password remote_username restart_timeout round_robin
  start_type threshold topic try_private username`.split(/\s+/),
);

/** Families of names that belong to plugins. */
export const NOT_YET_PREFIXES: readonly string[] = ['plugin_opt_', 'auth_opt_'];
