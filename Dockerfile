# Java's archives are the same on every platform, so the build runs on the builder's own.
FROM --platform=$BUILDPLATFORM maven:3.9-eclipse-temurin-17 AS build
WORKDIR /build
# --build-arg PROFILES=-Pkafka adds what events and Kafka need
ARG PROFILES=
# Without sources it only downloads and copies the libraries: a layer that stays until pom.xml changes.
COPY .mvn .mvn
COPY pom.xml .
RUN mvn -q -B -Dmaven.test.skip -Dspotless.check.skip $PROFILES package
COPY src/main src/main
RUN mvn -q -B -Dmaven.test.skip -Dspotless.check.skip $PROFILES package

FROM eclipse-temurin:17-jre
WORKDIR /herald
COPY --from=build /build/target/lib lib
COPY --from=build /build/target/herald.jar ./
COPY application.properties openapi.yaml jvm.options ./
COPY examples examples
COPY sql sql
COPY routes routes
# The classes as Java keeps them once they are read and checked, so that a start takes a tenth less. A flow that cannot run
# ends the build. Java warns and starts without the file if it does not fit.
RUN java @jvm.options -XX:ArchiveClassesAtExit=herald.jsa -Xlog:cds=off -Xlog:cds+dynamic=off -jar herald.jar --check
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
# Metrics and detailed health have no authentication: publish 8080 only. Jolokia can do more than show, so it is off.
ENV LOG_FORMAT=json MANAGEMENT_HOST=0.0.0.0 MANAGEMENT_JOLOKIA=false
EXPOSE 8080 8081
# Not /ready: a node that waits for PostgreSQL holds outcomes, and must not be replaced for it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=90s \
    CMD curl -fsSko /dev/null "http${SERVER_TLS_CERTIFICATE:+s}://127.0.0.1:${SERVER_PORT:-8080}/live"
# A signal must reach Java itself, so that deliveries in flight finish and are recorded. The heap is half of the container's
# memory. In JAVA_TOOL_OPTIONS the options would add a line to the log that is not JSON.
ENTRYPOINT ["java", "@jvm.options", "-XX:MaxRAMPercentage=50", "-XX:SharedArchiveFile=herald.jsa", "-jar", "herald.jar"]
