package dev.herald.event;

import java.util.Map;

/**
 * A change of a message, as routes get it and as its JSON looks.
 *
 * @param id the same for the same change, however often it is read
 * @param type such as {@code message.sent}
 * @param at when it changed: RFC 3339, UTC
 * @param message the message after the change, without its content
 */
public record Event(String id, String type, String at, Map<String, Object> message) {}
